import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { byPrefix, keySelection } from '../testing/watch-kit.ts';
import { RangeIndex } from './range-index.ts';
import { WatchIndex } from './watch-index.ts';
import type { WatchSelection } from './watch-selection.ts';
import { isSelected, prefixEnd } from './watch-selection.ts';

/** Few different bytes, so that keys and ranges meet. */
const bytes: fc.Arbitrary<Uint8Array> = fc
  .array(fc.constantFrom(0, 1, 0x61, 0xff), { maxLength: 4 })
  .map((list) => Buffer.from(list));

const selection: fc.Arbitrary<WatchSelection> = fc.oneof(
  bytes.map((key) => ({ type: 'key', key }) as const),
  bytes.map((prefix) => ({ type: 'range', start: prefix, end: prefixEnd(prefix) }) as const),
  fc.tuple(bytes, fc.option(bytes)).map(([start, end]) => ({ type: 'range', start, end }) as const),
);

test('an index finds those who select a key, and nobody else, whoever came and went', () => {
  const steps = fc.array(fc.record({ selection, removes: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.array(bytes, { minLength: 1, maxLength: 10 }), (list, keys) => {
      const index = new WatchIndex<number>();
      const members = new Map<number, WatchSelection>();
      for (const [number, step] of list.entries()) {
        const oldest = [...members.keys()][0];
        if (step.removes && oldest !== undefined) {
          index.remove(members.get(oldest) as WatchSelection, oldest);
          members.delete(oldest);
        } else {
          index.add(step.selection, number);
          members.set(number, step.selection);
        }
      }
      for (const key of keys) {
        const found: number[] = [];
        index.visit(key, (member) => found.push(member));
        const expected = [...members].filter(([, wanted]) => isSelected(wanted, key));
        expect(found.sort((a, b) => a - b)).toEqual(expected.map(([number]) => number));
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['', 'anything', true],
  ['/app/', '/app/x', true],
  ['/app/', '/app/', true],
  ['/app/', '/app', false],
  ['/app/', '/apq', false],
  ['a\xff', 'a\xff\x00', true],
  ['a\xff', 'b', false],
  ['\xff\xff', '\xff\xff\xff', true],
  ['\xff\xff', '\xff', false],
])('the prefix %j selects %j: %s', (prefix, key, expected) => {
  expect(isSelected(byPrefix(prefix), Buffer.from(key, 'latin1'))).toBe(expected);
});

test('a key selects itself alone', () => {
  expect(isSelected(keySelection('a'), Buffer.from('a'))).toBe(true);
  expect(isSelected(keySelection('a'), Buffer.from('aa'))).toBe(false);
  expect(isSelected(keySelection('a'), Buffer.from('b'))).toBe(false);
});

test('a look-up among ten thousand ranges looks at a few', () => {
  const index = new RangeIndex<number>();
  let looks = 0;
  const real = Buffer.compare.bind(Buffer);
  const compare = vi.spyOn(Buffer, 'compare').mockImplementation((left, right) => {
    looks += 1;
    return real(left, right);
  });
  try {
    for (let number = 0; number < 10_000; number++) {
      const name = String(number).padStart(6, '0');
      index.add(Buffer.from(`${name}/`), Buffer.from(`${name}0`), number);
    }
    looks = 0;
    const found: number[] = [];
    index.visit(Buffer.from('004711/x'), (member) => found.push(member));
    expect(found).toEqual([4711]);
  } finally {
    compare.mockRestore();
  }
  expect(index.size).toBe(10_000);
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(150);
});
