import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaled } from '../../../../tools/test-scale.ts';
import { checkLinearizability } from '../../src/history/check-history.ts';
import { decodeHistory, encodeHistory } from '../../src/history/history-file.ts';
import type { Operation } from '../../src/history/operation.ts';
import { someOrderExplains } from './brute-force.ts';
import { drawGarbage } from './garbage.ts';
import type { Pick } from './generate.ts';
import { generateHistory, plantDoubt } from './generate.ts';
import { drawLostTwins } from './lost-twins.ts';

const runs = scaled({ gate: 3_000, long: 200_000 });
/** Rare coincidences count there, and one is soon drawn. */
const garbageRuns = scaled({ gate: 8_000, long: 500_000 });
const timeout = scaled({ gate: 120_000, long: 7_200_000 });

/** Choices that fast-check makes, and shrinks. */
const choices = fc.infiniteStream(fc.nat(1 << 20));

function pickerOf(stream: Iterator<number>): Pick {
  return (limit) => (stream.next().value as number) % limit;
}

function drawn(stream: Iterator<number>): { history: Operation[]; pick: Pick } {
  const pick = pickerOf(stream);
  const shape = {
    operations: 1 + pick(8),
    keys: 1 + pick(3),
    clients: 2 + pick(4),
    values: 2 + pick(3),
    withTtl: true,
  };
  return { history: generateHistory(pick, shape), pick };
}

function verdictOf(history: readonly Operation[]): boolean {
  const verdict = checkLinearizability(history);
  expect(verdict.type).not.toBe('undecided');
  return verdict.type === 'linearizable';
}

describe('the checker agrees with a search through all orders', () => {
  test('on histories that were made in an order', { timeout }, () => {
    fc.assert(
      fc.property(choices, (stream) => {
        const { history } = drawn(stream);
        expect(someOrderExplains(history)).toBe(true);
        expect(verdictOf(history)).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  test('on histories with changed answers', { timeout }, () => {
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(choices, (stream) => {
        const { history, pick } = drawn(stream);
        let doubtful = plantDoubt(history, pick);
        for (let more = pick(3); more > 0; more--) doubtful = plantDoubt(doubtful, pick);
        const expected = someOrderExplains(doubtful);
        expect(verdictOf(doubtful)).toBe(expected);
        verdicts[`${expected}`] += 1;
      }),
      { numRuns: runs },
    );
    // Neither verdict is a rare case, or this would prove little.
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(runs / 10);
  });

  test('on histories that nobody would tell', { timeout }, () => {
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(choices, (stream) => {
        const garbage = drawGarbage(pickerOf(stream));
        const expected = someOrderExplains(garbage);
        expect(verdictOf(garbage)).toBe(expected);
        verdicts[`${expected}`] += 1;
      }),
      { numRuns: garbageRuns },
    );
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(garbageRuns / 10);
  });

  test('on lost writes of one value that end at different times', { timeout }, () => {
    const verdicts = { true: 0, false: 0 };
    fc.assert(
      fc.property(choices, (stream) => {
        const history = drawLostTwins(pickerOf(stream));
        const expected = someOrderExplains(history);
        expect(verdictOf(history)).toBe(expected);
        verdicts[`${expected}`] += 1;
      }),
      { numRuns: garbageRuns },
    );
    expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(garbageRuns / 10);
  });
});

test('what is shown of a history without an order has none itself', { timeout }, () => {
  fc.assert(
    fc.property(choices, (stream) => {
      const { history, pick } = drawn(stream);
      const verdict = checkLinearizability(plantDoubt(plantDoubt(history, pick), pick));
      if (verdict.type !== 'notLinearizable') return;
      expect(someOrderExplains(verdict.part)).toBe(false);
    }),
    { numRuns: runs },
  );
});

test('a history file holds a history', () => {
  fc.assert(
    fc.property(choices, (stream) => {
      const { history } = drawn(stream);
      expect(decodeHistory(encodeHistory(history))).toEqual(history);
    }),
  );
});
