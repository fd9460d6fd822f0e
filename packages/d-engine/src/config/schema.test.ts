import { assertLimitsAgree, limits } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { boundsOf } from './bounds.ts';
import { allSections, flatSpellings, schema } from './schema.ts';
import { limitsSection } from './sections/front.ts';
import { backpressureSection } from './sections/raft.ts';

const declarationProperties = new Set([
  'key',
  'type',
  'unit',
  'default',
  'defaultText',
  'minimum',
  'maximum',
  'clampAbove',
  'choices',
  'effect',
  'versions',
  'aliases',
  'flatAliases',
  'deadReason',
  'doc',
  'differs',
]);

function unknownProperties(path: string, value: object, known: ReadonlySet<string>): string[] {
  const names = Object.keys(value).filter((name) => !known.has(name));
  return names.map((name) => `${path}: ${name}`);
}

describe('the declarations', () => {
  // They are `as const`, which lets a misspelt property pass the compiler.
  test('have no property that nobody reads', () => {
    const sectionProperties = ['path', 'doc', 'aliases', 'deadPrefixes', 'keys'];
    const unknown = [
      ...schema.keys.flatMap(({ path, declaration }) =>
        unknownProperties(path, declaration, declarationProperties),
      ),
      ...allSections.flatMap((section) =>
        unknownProperties(section.path, section, new Set(sectionProperties)),
      ),
    ];
    expect(unknown).toEqual([]);
  });

  test('name each key and each section once', () => {
    const paths = schema.keys.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    const sections = allSections.map(({ path }) => path);
    expect(new Set(sections).size).toBe(sections.length);
  });

  test('give each spelling to one key, but for the flat ones of v0.1.2', () => {
    const shared = [...schema.bySpelling].filter(([, keys]) => keys.length !== 1);
    expect(shared.map(([spelling]) => spelling).sort()).toEqual([...flatSpellings].sort());
    expect(new Set(shared.map(([, keys]) => keys.length))).toEqual(new Set([3]));
  });

  test('have a line of documentation', () => {
    const bad = schema.keys.filter(({ declaration }) => !/^[^\n]+\.$/.test(declaration.doc));
    expect(bad).toEqual([]);
  });

  test('have a default within the bounds', () => {
    const outside = schema.keys.filter(({ declaration }) => {
      if (declaration.type !== 'integer' && declaration.type !== 'duration') return false;
      const { minimum, maximum } = boundsOf(declaration);
      return !(declaration.default >= minimum && declaration.default <= maximum);
    });
    expect(outside).toEqual([]);
  });

  test('give every policy of retry and every plane all of its keys', () => {
    const countIn = (prefix: string): number[] =>
      allSections
        .filter(({ path }) => path.startsWith(prefix))
        .map(({ keys }) => Object.values(keys).filter(({ effect }) => effect !== 'dead').length);
    expect(countIn('retry.')).toEqual([4, 4, 4, 4, 4, 4, 4, 10]);
    expect(countIn('network.')).toEqual([11, 11, 11]);
  });
});

test('the limits are those that the engine is built for', () => {
  assertLimitsAgree();
  const { keyBytesMax, valueBytesMax, requestBytesMax } = limitsSection.keys;
  expect([keyBytesMax.default, keyBytesMax.maximum]).toEqual(Array(2).fill(limits.keyBytesMax));
  expect([valueBytesMax.default, valueBytesMax.maximum]).toEqual(
    Array(2).fill(limits.valueBytesMax),
  );
  expect([requestBytesMax.default, requestBytesMax.maximum]).toEqual(
    Array(2).fill(limits.requestBytesMax),
  );
  const { pendingWritesMax, pendingReadsMax } = backpressureSection.keys;
  expect(pendingWritesMax.default).toBe(limits.pendingWritesMax);
  expect(pendingReadsMax.default).toBe(limits.pendingReadsMax);
});
