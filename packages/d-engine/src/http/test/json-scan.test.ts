import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePosition, findJsonProblem } from '../json-scan.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Texts that are JSON, or nearly: a piece cut out, put in or exchanged. */
const nearlyJson = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.nat(),
    fc.nat(4),
    fc.constantFrom('', ',', '"', '{', '}', '[', ']', ':', '\\', '\\u12', '0', '-', '.', 'e', '\n'),
  )
  .map(([text, at, length, piece]) => {
    const start = at % (text.length + 1);
    return text.slice(0, start) + piece + text.slice(start + length);
  });

const twice = /^field (".*") is given twice$/;

/** What follows a key that is given twice is not looked at: what came before it is the proof. */
function isGivenBefore(text: string, offset: number, key: string): boolean {
  const before = text.slice(0, offset).trimEnd();
  if (!before.endsWith(',')) return false;
  const outer = JSON.parse(`${before.slice(0, -1)}}`) as object;
  return Object.hasOwn(outer, key);
}

function agreesWithJsonParse(text: string): boolean {
  const problem = findJsonProblem(text);
  if (problem === undefined) return isJson(text);
  const key = twice.exec(problem.message)?.[1];
  if (key === undefined) return !isJson(text);
  return isGivenBefore(text, problem.offset, JSON.parse(key) as string);
}

describe('the look over a JSON text', () => {
  it('agrees with JSON.parse on what is JSON, but for keys given twice', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyJson, fc.json(), fc.string()), agreesWithJsonParse),
      // Found by a random run: the key twice, and then no JSON either.
      { numRuns: 5_000, examples: [['{"":false,"" ":false}'], ['{"a":1,"a":2}']] },
    );
  });

  it('points into the text or at its end', () => {
    fc.assert(
      fc.property(nearlyJson, (text) => {
        const offset = findJsonProblem(text)?.offset ?? 0;
        return offset >= 0 && offset <= text.length;
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', 7, 'field "a" is given twice'],
    ['{"a":1,"\\u0061":2}', 7, 'field "a" is given twice'],
    ['{"a":{"b":1,"b":2}}', undefined, undefined],
    ['[{"a":1},{"a":1}]', undefined, undefined],
    ['{"a":tru}', 5, 'a value is expected here'],
    ['{"a":01}', 6, '"," or "}" is expected here'],
    ['[1 2]', 3, '"," or "]" is expected here'],
    ['{"a" 1}', 5, '":" is expected here'],
    ['{"a":"b', 5, 'this string does not end'],
    ['{"a":"\t"}', 6, 'a control character must be written as \\u00XX'],
    ['{"a":"\\x"}', 6, 'this is no escape of JSON'],
    ['{"a":1', 6, 'the text ends, but "," or "}" is expected here'],
  ])('%s', (text, offset, message) => {
    const problem = findJsonProblem(text);
    expect([problem?.offset, problem?.message]).toEqual([offset, message]);
  });

  it('takes long strings and deep nesting in a moment', () => {
    expect(findJsonProblem(`{"a":"${'x\\n'.repeat(1_000_000)}"}`)).toBeUndefined();
    expect(findJsonProblem('['.repeat(1_000_000) + ']'.repeat(1_000_000))).toBeUndefined();
  });

  it('counts lines and columns from 1', () => {
    expect(describePosition('ab\ncd', 0)).toBe('line 1, column 1');
    expect(describePosition('ab\ncd', 2)).toBe('line 1, column 3');
    expect(describePosition('ab\ncd', 4)).toBe('line 2, column 2');
  });
});
