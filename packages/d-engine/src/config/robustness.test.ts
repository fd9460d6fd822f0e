import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schema } from './schema.ts';
import { loadEnvironment, loadText, problemsOf } from './test-support.ts';

/** Pieces that make texts which are nearly a configuration. */
const piece = fc.oneof(
  fc.constantFrom(...schema.bySpelling.keys()),
  fc.constantFrom(...[...schema.tables.keys()].map((table) => `[${table}]`)),
  fc.constantFrom(
    ' = ',
    '\n',
    ' ',
    '{',
    '}',
    '[[',
    ']]',
    '[',
    ']',
    ',',
    '"',
    "'''",
    '.',
    '#',
    '\r\n',
  ),
  fc.constantFrom('1', '-1', '1.5', 'inf', '1_000', '"x"', 'true', '1979-05-27', '0x_', '\u0000'),
  fc.string({ maxLength: 5 }),
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
const scalar = fc.constantFrom(
  '1',
  '-1',
  '0',
  '1.5',
  '"x"',
  'true',
  '[]',
  '{}',
  '[1]',
  '{ a = 1 }',
);

describe('property: bad input is a ConfigError, never another one', () => {
  test('whatever the file holds', () => {
    fc.assert(
      // problemsOf lets every other error through.
      fc.property(text, (toml) => {
        problemsOf(() => loadText(toml));
      }),
      { numRuns: 300 },
    );
  });

  test('whatever a known key is set to', () => {
    fc.assert(
      fc.property(fc.constantFrom(...schema.bySpelling.keys()), scalar, (spelling, value) => {
        for (const { line } of problemsOf(() => loadText(`${spelling} = ${value}`))) {
          expect(line).toBe(1);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('whatever a variable holds', () => {
    const names = [...schema.bySpelling.keys()].map(
      (spelling) => `RAFT__${spelling.toUpperCase().replaceAll('.', '__')}`,
    );
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('1', 'true', '[', '{', '{}', '[]'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...names), texts, (variable, value) => {
        for (const problem of problemsOf(() => loadEnvironment({ [variable]: value }))) {
          expect(problem.variable).toBe(variable);
        }
      }),
      { numRuns: 300 },
    );
  });
});
