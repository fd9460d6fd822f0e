import { checkKey } from './linearizability.ts';
import type { Operation } from './operation.ts';
import { sawSomethingUnnamed, valuesLeft, valuesSeen } from './unseen-writes.ts';

/** A smaller search than the first: a part that takes long is no easy reading anyway. */
const stepsMaxPerTry = 20_000;
const triesMax = 2_000;

/**
 * The shortest part of a history without an order that still has none: what had happened until the
 * answer that nothing explains, less everything that is not needed for the contradiction. The
 * writer of a value that somebody saw stays: without it any read would look impossible.
 */
export function offendingPart(
  operations: readonly Operation[],
  failedAt: Operation,
): readonly Operation[] {
  let part = until(operations, failedAt);
  let tries = 0;
  for (let changed = true; changed && tries < triesMax; ) {
    changed = false;
    for (const candidate of removable(part)) {
      tries += 1;
      if (tries > triesMax) break;
      const rest = part.filter((operation) => operation !== candidate);
      if (leavesSeenValueBehind(candidate, rest)) continue;
      if (checkKey(rest, stepsMaxPerTry).type !== 'notLinearizable') continue;
      part = rest;
      changed = true;
    }
  }
  return part;
}

/** What was called by then: the search used nothing else. */
function until(operations: readonly Operation[], { settledAtMs }: Operation): readonly Operation[] {
  return operations.filter(
    ({ invokedAtMs, outcome }) => invokedAtMs <= settledAtMs && outcome.type !== 'refused',
  );
}

/** Reads first, newest first: what is left is then the oldest contradiction. */
function removable(part: readonly Operation[]): readonly Operation[] {
  const rank = ({ command }: Operation): number => (command.type === 'read' ? 0 : 1);
  return [...part].sort(
    (one, other) => rank(one) - rank(other) || other.invokedAtMs - one.invokedAtMs,
  );
}

function leavesSeenValueBehind(removed: Operation, rest: readonly Operation[]): boolean {
  const leavesSomething = (operation: Operation): boolean =>
    valuesLeft(operation).some((value) => value !== null);
  const isNeeded = leavesSomething(removed) && rest.some(sawSomethingUnnamed);
  if (isNeeded && !rest.some(leavesSomething)) return true;
  return valuesLeft(removed).some((value) => {
    const isSeen = rest.some((operation) => valuesSeen(operation).includes(value));
    return isSeen && !rest.some((operation) => valuesLeft(operation).includes(value));
  });
}
