import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import type { Answer, Command, Operation } from '../src/history/operation.ts';
import { judgeHistory } from '../src/judge-history.ts';
import { revisionsExplain } from '../src/revision-witness.ts';
import { someOrderExplains } from './history/brute-force.ts';
import { drawGarbage } from './history/garbage.ts';
import type { Pick } from './history/generate.ts';
import { generateHistory, plantDoubt } from './history/generate.ts';

function operation(
  [invokedAtMs, settledAtMs]: readonly [number, number],
  command: Command,
  answer?: Answer,
): Operation {
  const times = { client: 'c', key: 'k', invokedAtMs };
  if (answer !== undefined) {
    return { ...times, settledAtMs, command, outcome: { type: 'answered', answer } };
  }
  return { ...times, settledAtMs: Infinity, command, outcome: { type: 'unknown' } };
}

function put(times: readonly [number, number], value: string, revision?: number): Operation {
  const answer: Answer | undefined = revision === undefined ? undefined : { type: 'put', revision };
  return operation(times, { type: 'put', value }, answer);
}

function read(
  times: readonly [number, number],
  value: string | null,
  revision: number,
  modRevision?: number,
): Operation {
  const command: Command = { type: 'read', consistency: 'linearizable' };
  const told = modRevision === undefined ? {} : { modRevision };
  return operation(times, command, { type: 'read', value, revision, ...told });
}

function swap(
  times: readonly [number, number],
  [expected, value]: readonly [string | null, string | null],
  revision: number,
): Operation {
  const answer = { type: 'compareAndSwap', succeeded: true, revision } as const;
  return operation(times, { type: 'compareAndSwap', expected, value }, answer);
}

function remove(times: readonly [number, number], revision?: number, deleted = true): Operation {
  const answer: Answer | undefined =
    revision === undefined ? undefined : { type: 'delete', deleted, revision };
  return operation(times, { type: 'delete' }, answer);
}

describe('revisions explain', () => {
  test.each<[string, readonly Operation[]]>([
    ['nothing', []],
    ['writes and reads in turn', [put([0, 1], 'a', 1), read([2, 3], 'a', 1, 1)]],
    ['a delete', [put([0, 1], 'a', 1), remove([2, 3], 2), read([4, 5], null, 2)]],
    ['a swap', [put([0, 1], 'a', 1), swap([2, 3], ['a', 'b'], 2), read([4, 5], 'b', 2, 2)]],
    ['an unknown write that was read', [put([0, 9], 'a'), read([5, 6], 'a', 4, 4)]],
    ['an unknown write that a swap met', [put([0, 9], 'a'), swap([5, 6], ['a', 'b'], 4)]],
    ['an unknown delete', [put([0, 1], 'a', 1), remove([2, 9]), read([4, 5], null, 2)]],
    ['an unknown write that nobody saw', [put([0, 9], 'a'), read([5, 6], null, 4)]],
  ])('%s', (_name, history) => {
    expect(revisionsExplain(history)).toBe(true);
    expect(judgeHistory(history)).toEqual([]);
  });

  test.each<[string, readonly Operation[]]>([
    ['a stale read', [put([0, 1], 'a', 1), put([2, 3], 'b', 2), read([4, 5], 'a', 1, 1)]],
    ['a lost write', [put([0, 1], 'a', 1), read([2, 3], null, 1)]],
    ['a read of what nobody wrote', [read([2, 3], 'x', 1)]],
    ['a read before the write was called', [read([0, 1], 'a', 4), put([2, 9], 'a')]],
    [
      'a swap of what was gone',
      [put([0, 1], 'a', 1), put([2, 3], 'b', 2), swap([4, 5], ['a', 'c'], 3)],
    ],
    [
      'an unknown write that took effect twice',
      [put([0, 9], 'a'), read([1, 2], 'a', 1), remove([3, 4], 2), read([5, 6], 'a', 3)],
    ],
  ])('not %s, and the search agrees', (_name, history) => {
    expect(revisionsExplain(history)).toBe(false);
    expect(judgeHistory(history).map(({ check }) => check)).toContain('linearizability');
  });

  test('not what runs against them, which is no fault of the order', () => {
    const history = [put([0, 1], 'a', 2), put([2, 3], 'b', 1), read([4, 5], 'b', 2)];
    expect(revisionsExplain(history)).toBe(false);
    expect(judgeHistory(history).map(({ check }) => check)).not.toContain('linearizability');
  });
});

describe('of histories that are drawn', () => {
  const runs = scaled({ gate: 6_000, long: 300_000 });
  const timeout = scaled({ gate: 120_000, long: 7_200_000 });
  const choices = fc.infiniteStream(fc.nat(1 << 20));

  function drawGood(pick: Pick): Operation[] {
    const shape = { operations: 1 + pick(8), keys: 1, clients: 2 + pick(4), values: 1 + pick(4) };
    return generateHistory(pick, { ...shape, withTtl: pick(3) === 0 });
  }

  test('revisions explain none that has no order', { timeout }, () => {
    let explained = 0;
    fc.assert(
      fc.property(choices, (stream) => {
        const pick: Pick = (limit) => (stream.next().value as number) % limit;
        const history =
          pick(2) === 0
            ? drawGarbage(pick).filter(({ key }) => key === 'k0')
            : plantDoubt(plantDoubt(drawGood(pick), pick), pick);
        if (!revisionsExplain(history)) return;
        explained += 1;
        expect(someOrderExplains(history)).toBe(true);
      }),
      { numRuns: runs },
    );
    expect(explained).toBeGreaterThan(runs / 10);
  });

  test('none that a store could tell is found fault with', { timeout }, () => {
    fc.assert(
      fc.property(choices, (stream) => {
        expect(judgeHistory(drawGood((limit) => (stream.next().value as number) % limit))).toEqual(
          [],
        );
      }),
      { numRuns: runs },
    );
  });
});

test('keys are judged one by one, and each promise by its name', () => {
  const other = { ...put([0, 1], 'a', 2), key: 'other' };
  expect(judgeHistory([put([0, 1], 'a', 1), other])).toEqual([]);
  const twice = [put([0, 1], 'a', 1), { ...other, ...put([2, 3], 'a', 1), key: 'other' }];
  expect(judgeHistory(twice).map(({ check }) => check)).toContain('revisions follow real time');
});
