import { describe, expect, test } from 'vitest';
import { checkLinearizability, describeVerdict } from '../../src/history/check-history.ts';
import { checkEventualReads } from '../../src/history/eventual-check.ts';
import type { Answer, Command, Operation } from '../../src/history/operation.ts';
import { checkRevisions } from '../../src/history/revision-check.ts';
import { generateHistory } from './generate.ts';
import { pickerOf } from './picker.ts';
import { plantViolation } from './plant-violation.ts';

type Times = readonly [invokedAtMs: number, settledAtMs: number];

function operation(
  [invokedAtMs, settledAtMs]: Times,
  command: Command,
  answer: Answer | undefined,
  more: { readonly key?: string; readonly client?: string } = {},
): Operation {
  return {
    client: more.client ?? 'c1',
    key: more.key ?? 'k',
    command,
    invokedAtMs,
    settledAtMs,
    outcome: answer === undefined ? { type: 'unknown' } : { type: 'answered', answer },
  };
}

function put(times: Times, value: string, revision?: number, key = 'k'): Operation {
  const told = revision === undefined ? {} : { revision };
  return operation(times, { type: 'put', value }, { type: 'put', ...told }, { key });
}

function read(times: Times, value: string | null, revision?: number, key = 'k'): Operation {
  const told = revision === undefined ? {} : { revision };
  const answer = { type: 'read', value, ...told } as const;
  return operation(times, { type: 'read', consistency: 'linearizable' }, answer, { key });
}

function lostPut(invokedAtMs: number, value: string): Operation {
  return operation([invokedAtMs, Infinity], { type: 'put', value }, undefined);
}

function eventual(times: Times, value: string | null, revision: number, client: string): Operation {
  const answer = { type: 'read', value, revision } as const;
  return operation(times, { type: 'read', consistency: 'eventual' }, answer, { client });
}

describe('a verdict', () => {
  test('shows the shortest part that no order explains', () => {
    const history = [
      put([1, 2], 'a'),
      read([3, 4], 'a'),
      put([5, 6], 'b'),
      read([7, 8], 'b'),
      read([9, 10], 'a'),
      read([11, 12], 'b'),
    ];
    expect(describeVerdict(checkLinearizability(history))).toEqual([
      'not linearizable',
      'no order explains these operations on key "k":',
      '  c1  1.000..2.000  put "a": done',
      '  c1  5.000..6.000  put "b": done',
      '  c1  9.000..10.000  read (linearizable): saw "a"',
    ]);
  });

  test('shows no answer that a write which is not shown explains', () => {
    const history = [
      put([1, 2], 'a'),
      put([3, 4], 'b'),
      put([5, 6], 'a'),
      read([7, 8], 'a'),
      read([9, 10], 'b'),
    ];
    const [, overwritten, second, , stale] = history;
    expect(checkLinearizability(history)).toMatchObject({ part: [overwritten, second, stale] });
  });

  test('shows the shorter of two contradictions', () => {
    const swap = (times: Times, value: string): Operation =>
      operation(
        times,
        { type: 'compareAndSwap', expected: null, value },
        { type: 'compareAndSwap', succeeded: true },
      );
    const fromNowhere = read([1, 4], 'x');
    const history = [fromNowhere, swap([2, 6], 'a'), swap([3, 7], 'b')];
    expect(checkLinearizability(history)).toMatchObject({ part: [fromNowhere] });
  });

  test('shows a swap as a write alone where it does not matter what it found', () => {
    const swap = { type: 'compareAndSwap', expected: 'a', value: 'b' } as const;
    const swapped = operation([5, 6], swap, { type: 'compareAndSwap', succeeded: true });
    const deleted = operation([9, 10], { type: 'delete' }, { type: 'delete', deleted: true });
    const stale = read([11, 12], 'b');
    const history = [put([1, 2], 'a'), read([3, 4], 'a'), swapped, read([7, 8], 'b')];
    expect(checkLinearizability([...history, deleted, stale])).toMatchObject({
      part: [swapped, deleted, stale],
    });
  });

  test('names the key; other keys do not matter', () => {
    const history = [
      put([1, 2], 'a', 1, 'x'),
      read([3, 4], 'a', 1, 'x'),
      read([5, 6], 'z', 1, 'y'),
    ];
    expect(checkLinearizability(history)).toMatchObject({ type: 'notLinearizable', key: 'y' });
  });

  test('lets lease reads promise what linearizable ones do, and eventual ones nothing', () => {
    const stale = { type: 'read', value: null } as const;
    const after = (consistency: 'lease' | 'eventual'): string =>
      checkLinearizability([
        put([1, 2], 'a'),
        operation([3, 4], { type: 'read', consistency }, stale),
      ]).type;
    expect(after('lease')).toBe('notLinearizable');
    expect(after('eventual')).toBe('linearizable');
  });

  test('holds the revision of a read against that of its write', () => {
    const answer = { type: 'read', value: 'a', modRevision: 8 } as const;
    const command = { type: 'read', consistency: 'linearizable' } as const;
    const history = [put([1, 2], 'a', 7), operation([3, 4], command, answer)];
    expect(checkLinearizability(history).type).toBe('notLinearizable');
  });

  test('is not held up by many writes that nobody saw', () => {
    const lost = Array.from({ length: 200 }, (_, index) => lostPut(index, `lost ${index}`));
    const seen = Array.from({ length: 100 }, (_, index) => [
      put([1_000 + index * 10, 1_002 + index * 10], `v${index}`),
      read([1_003 + index * 10, 1_004 + index * 10], `v${index}`),
    ]);
    const verdict = checkLinearizability([...lost, ...seen.flat()], { stepsMax: 10_000 });
    expect(verdict.type).toBe('linearizable');
  });

  test('finds the one lost write that explains a read, among fifty that were seen as well', () => {
    const lost = Array.from({ length: 50 }, (_, index) => lostPut(index, `lost ${index}`));
    const reads = lost.map((_, index) => read([100 + index, 100.5 + index], `lost ${index}`));
    expect(checkLinearizability([...lost, ...reads]).type).toBe('linearizable');
    const again = read([200, 201], 'lost 3');
    expect(checkLinearizability([...lost, ...reads, again]).type).toBe('notLinearizable');
  });

  test('lets a deletion that tells nothing come after a write that it overlaps', () => {
    const deletion = operation([2, 14], { type: 'delete' }, { type: 'delete' });
    const history = [deletion, put([10, 21], 'a'), read([28, 30], null)];
    expect(checkLinearizability(history).type).toBe('linearizable');
  });

  test('lets a lost deletion explain why a swap failed that does not tell what it found', () => {
    const swap = { type: 'compareAndSwap', expected: 'a', value: 'b' } as const;
    const failed = operation([5, 6], swap, { type: 'compareAndSwap', succeeded: false });
    const deletion = operation([3, Infinity], { type: 'delete' }, undefined);
    expect(checkLinearizability([put([1, 2], 'a'), failed]).type).toBe('notLinearizable');
    expect(checkLinearizability([put([1, 2], 'a'), deletion, failed]).type).toBe('linearizable');
  });

  test('spares the lost write that lasts for when it is needed', () => {
    const lasting = operation([1, Infinity], { type: 'put', value: 'a', ttlMs: 1_000 }, undefined);
    const brief = operation([2, Infinity], { type: 'put', value: 'a', ttlMs: 5 }, undefined);
    const reads = [
      read([3, 4], 'a'),
      read([10, 11], null),
      put([12, 13], 'b'),
      read([14, 15], 'a'),
    ];
    expect(checkLinearizability([lasting, brief, ...reads]).type).toBe('linearizable');
    expect(checkLinearizability([lasting, ...reads]).type).toBe('notLinearizable');
  });

  test('spares the lost write that is over soon for when it is needed', () => {
    const brief = operation([0, Infinity], { type: 'put', value: 'x', ttlMs: 100 }, undefined);
    const lasting = operation([1, Infinity], { type: 'put', value: 'x', ttlMs: 1_000 }, undefined);
    const reads = [
      read([10, 20], 'x'),
      put([21, 30], 'y'),
      read([40, 50], 'x'),
      read([110, 120], null),
    ];
    expect(checkLinearizability([brief, lasting, ...reads]).type).toBe('linearizable');
    expect(checkLinearizability([lasting, lasting, ...reads]).type).toBe('notLinearizable');
  });

  test.each([1, 2, 3])('is not held up by fifty unknown outcomes of all kinds: %i', (seed) => {
    const shape = { operations: 300, keys: 1, clients: 5, values: 1_000_000, withTtl: true };
    const history = generateHistory(pickerOf(seed), shape);
    expect(history.filter(({ outcome }) => outcome.type === 'unknown').length).toBeGreaterThan(45);
    expect(checkLinearizability(history, { stepsMax: 20_000 }).type).toBe('linearizable');
  });

  test.each([1, 2, 3])('finds a violation among fifty unknown outcomes: %i', (seed) => {
    const shape = { operations: 300, keys: 1, clients: 5, values: 1_000_000, withTtl: true };
    const pick = pickerOf(seed);
    const history = plantViolation(generateHistory(pick, shape), pick) ?? [];
    expect(checkLinearizability(history, { stepsMax: 100_000 }).type).toBe('notLinearizable');
  });

  test('shows a write along with two deletions of it', () => {
    const deletion = (times: Times): Operation =>
      operation(times, { type: 'delete' }, { type: 'delete', deleted: true });
    const history = [put([1, 2], 'a'), deletion([3, 4]), deletion([5, 6])];
    expect(checkLinearizability(history)).toMatchObject({ part: history });
  });

  test('is undecided rather than wrong when there are too many orders', () => {
    const puts = Array.from({ length: 12 }, (_, index) => put([1, 100], `v${index}`));
    const verdict = checkLinearizability([...puts, read([101, 102], null)], { stepsMax: 50 });
    expect(verdict).toEqual({ type: 'undecided', key: 'k' });
    expect(describeVerdict(verdict)[0]).toContain('undecided');
  });
});

describe('revisions', () => {
  test('that follow real time are right, in one order for overlapping writes', () => {
    const history = [put([1, 9], 'a', 2), put([2, 8], 'b', 1, 'other'), read([10, 11], 'a', 2)];
    expect(checkRevisions(history)).toEqual([]);
  });

  test('are given out once', () => {
    const [problem] = checkRevisions([put([1, 2], 'a', 7), put([1, 2], 'b', 7, 'other')]);
    expect(problem).toContain('revision 7 was given out twice');
  });

  test.each([
    ['a write', [put([1, 2], 'a', 7), put([3, 4], 'b', 6, 'other')]],
    ['a read', [put([1, 2], 'a', 7), read([3, 4], null, 6, 'other')]],
    ['a read after a read', [read([1, 2], 'a', 7), read([3, 4], null, 6, 'other')]],
    ['a write after a read of the same', [read([1, 2], null, 7), put([3, 4], 'b', 7)]],
  ])('never go back for %s', (_, history) => {
    expect(checkRevisions(history)[0]).toContain('against real time');
  });
});

describe('eventual reads', () => {
  const written = [put([1, 2], 'a', 3), lostPut(3, 'b')];

  test('may be old, and differ between processes', () => {
    const reads = [eventual([10, 11], 'b', 4, 'n1'), eventual([12, 13], null, 1, 'n2')];
    expect(checkEventualReads([...written, ...reads])).toEqual([]);
  });

  test('of one process do not go back', () => {
    const reads = [eventual([10, 11], 'b', 4, 'n1'), eventual([12, 13], 'a', 3, 'n1')];
    expect(checkEventualReads([...written, ...reads])[0]).toContain('went back from revision 4');
  });

  test('see nothing that nobody wrote', () => {
    const [problem] = checkEventualReads([...written, eventual([4, 5], 'c', 4, 'n1')]);
    expect(problem).toContain('nobody had written that');
  });

  test('see nothing before it is written', () => {
    const early = eventual([0, 2], 'b', 4, 'n1');
    expect(checkEventualReads([...written, early])[0]).toContain('nobody had written that');
    expect(checkEventualReads([...written, eventual([0, 3], 'b', 4, 'n1')])).toEqual([]);
  });
});
