import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scaled } from '../../../../tools/test-scale.ts';
import { Authors } from '../../src/history/authors.ts';
import { onlyObserves } from '../../src/history/key-state.ts';
import { checkKey } from '../../src/history/linearizability.ts';
import { offendingPart } from '../../src/history/offending-part.ts';
import type { Operation } from '../../src/history/operation.ts';
import { Shrinking } from '../../src/history/shrinking.ts';
import { someOrderExplains } from './brute-force.ts';
import { drawGarbage } from './garbage.ts';
import type { Pick } from './generate.ts';
import { generateHistory, plantDoubt } from './generate.ts';

const runs = scaled({ gate: 1_500, long: 100_000 });
const timeout = scaled({ gate: 120_000, long: 7_200_000 });

interface Refuted {
  readonly history: readonly Operation[];
  readonly failedAt: Operation;
}

function drawHistory(pick: Pick): readonly Operation[] {
  if (pick(3) === 0) return drawGarbage(pick).filter(({ key }) => key === 'k0');
  const clients = 2 + pick(4);
  const shape = { operations: 3 + pick(6), keys: 1, clients, values: 1 + pick(5), withTtl: true };
  return plantDoubt(plantDoubt(generateHistory(pick, shape), pick), pick).filter(
    ({ outcome }) => outcome.type !== 'refused',
  );
}

/** Checks what is to hold for histories without an order, and that enough of them were drawn. */
function forRefuted(check: (refuted: Refuted) => void): void {
  let refuted = 0;
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(1 << 20)), (stream) => {
      const history = drawHistory((limit) => (stream.next().value as number) % limit);
      const verdict = checkKey(history);
      if (verdict.type !== 'notLinearizable') return;
      refuted += 1;
      check({ history, failedAt: verdict.failedAt });
    }),
    { numRuns: runs },
  );
  expect(refuted).toBeGreaterThan(runs / 10);
}

function subsetsOf(operations: readonly Operation[]): Operation[][] {
  return Array.from({ length: 2 ** operations.length }, (_, bits) =>
    operations.filter((_operation, index) => (bits & (1 << index)) !== 0),
  );
}

function contradictsWithAnyMore(
  part: readonly Operation[],
  history: readonly Operation[],
): boolean {
  const others = history.filter((each) => !part.includes(each));
  return subsetsOf(others).every((more) => !someOrderExplains([...part, ...more]));
}

function asPart(operations: readonly Operation[]): ReadonlyMap<Operation, Operation> {
  return new Map(operations.map((each) => [each, each]));
}

describe('of a history without an order', { timeout }, () => {
  test('the part that is shown has none, whatever else of the history is added', () => {
    forRefuted(({ history, failedAt }) => {
      const part = offendingPart(history, failedAt);
      expect(contradictsWithAnyMore(part, history)).toBe(true);
    });
  });

  test('no part is shorter that holds the first answer which nothing explains', () => {
    forRefuted(({ history, failedAt }) => {
      const part = offendingPart(history, failedAt);
      const authors = new Authors(history);
      const shorter = subsetsOf(history.filter((each) => happenedBy(each, failedAt))).filter(
        (subset) =>
          subset.length < part.length &&
          subset.includes(failedAt) &&
          authors.lackingIn(asPart(subset)) === undefined &&
          !someOrderExplains(subset),
      );
      expect(shorter).toEqual([]);
    });
  });

  test('a part too long for that has none either, and needs each single operation', () => {
    forRefuted(({ history, failedAt }) => {
      const shrinking = new Shrinking(history, failedAt);
      shrinking.run();
      const { part, authors } = shrinking;
      expect(contradictsWithAnyMore([...part.keys()], history)).toBe(true);
      for (const left of part.keys()) {
        const rest = new Map([...part].filter(([each]) => each !== left));
        const isEnough =
          authors.lackingIn(rest) === undefined && !someOrderExplains([...rest.values()]);
        expect(isEnough).toBe(false);
      }
    });
  });
});

function happenedBy(operation: Operation, { settledAtMs }: Operation): boolean {
  if (operation.invokedAtMs > settledAtMs) return false;
  return operation.settledAtMs <= settledAtMs || !onlyObserves(operation);
}
