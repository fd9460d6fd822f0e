import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScanQuery } from '../src/scan-page.ts';
import { bytes, Machine, put } from './machine-kit.ts';

const name = fc.constantFrom(
  '',
  'a',
  'aa',
  'ab',
  'b',
  'a\xff',
  'a\xff\xff',
  '\xff',
  '\xff\xff',
  'c',
);
const range = fc.oneof(
  fc.record({ prefix: name }),
  fc.record({
    start: fc.option(name, { nil: undefined }),
    end: fc.option(name, { nil: undefined }),
  }),
);

describe('scan', () => {
  it('finds the keys of a prefix or range in either order, page by page', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(name),
        range,
        fc.constantFrom('ascending' as const, 'descending' as const),
        fc.integer({ min: 1, max: 4 }),
        (names, wanted, order, limit) => {
          const machine = new Machine();
          for (const each of names) machine.run(put(each, `v${each}`));
          const expected = names.filter((each) => isIn(each, wanted)).sort();
          if (order === 'descending') expected.reverse();
          expect(pages(machine, wanted, order, limit)).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('ends a page before its answer gets too large, but never before its first key', () => {
    const machine = new Machine();
    for (const key of ['a', 'b', 'c']) machine.run(put(key, 'x'.repeat(3_000_000)));
    const query = { range: { prefix: bytes('') }, order: 'ascending', limit: 9 } as const;
    const page = machine.state.scan({ ...query, after: undefined });
    expect(page.entries.length).toBe(2);
    expect(page.hasMore).toBe(true);
  });
});

type Range =
  | { readonly prefix: string }
  | { readonly start: string | undefined; readonly end: string | undefined };

function isIn(each: string, wanted: Range): boolean {
  if ('prefix' in wanted) return each.startsWith(wanted.prefix);
  const { start = '', end } = wanted;
  return each >= start && (end === undefined || each < end);
}

function pages(
  machine: Machine,
  wanted: Range,
  order: ScanQuery['order'],
  limit: number,
): string[] {
  const found: string[] = [];
  const bounds =
    'prefix' in wanted
      ? { prefix: bytes(wanted.prefix) }
      : {
          start: wanted.start === undefined ? undefined : bytes(wanted.start),
          end: wanted.end === undefined ? undefined : bytes(wanted.end),
        };
  let after: Uint8Array | undefined;
  for (;;) {
    const page = machine.state.scan({ range: bounds, order, after, limit });
    expect(page.entries.length).toBeLessThanOrEqual(limit);
    for (const { key, value } of page.entries) {
      const text = Buffer.from(key).toString('latin1');
      expect(Buffer.from(value).toString('latin1')).toBe(`v${text}`);
      found.push(text);
      after = key;
    }
    if (!page.hasMore) return found;
    expect(page.entries.length).toBe(limit);
  }
}
