import { isEventual } from './history/check-history.ts';
import type { Operation } from './history/operation.ts';
import type { Loss } from './invariants/losses.ts';

/** Of each history the revisions begin so far above those of the one before it. */
const revisionsPerHistory = 1e9;

/**
 * What members gave up was true until then: of each such history its operations up to that moment,
 * then those that are left. What one of them answered and then lost is in no later one.
 */
export function historiesOf(
  operations: readonly Operation[],
  losses: readonly Loss[],
): (readonly Operation[])[] {
  let left = operations;
  const histories: (readonly Operation[])[] = [];
  for (const loss of losses) {
    const lost = new Set(left.filter((operation) => isLostBy(loss, operation)));
    if (lost.size === 0) continue;
    histories.push(left.flatMap((operation) => asOf(loss.atMs, operation)));
    left = left.filter((operation) => !lost.has(operation));
  }
  return [...histories, left];
}

/** It made, or saw, a revision that was given up. */
function isLostBy({ atMs, historiesBefore, from, to }: Loss, operation: Operation): boolean {
  const { outcome, invokedAtMs } = operation;
  if (outcome.type !== 'answered' || outcome.answer.revision === undefined) return false;
  const { revision } = outcome.answer;
  if (Math.floor(revision / revisionsPerHistory) !== historiesBefore) return false;
  const index = revision % revisionsPerHistory;
  if (index < from || index > to) return false;
  // Only who was not asked for a vote may still be found in the old history, and reads old states.
  return invokedAtMs <= atMs || isEventual(operation);
}

/** As it stood at that moment: what was not answered yet may have taken effect or not. */
function asOf(atMs: number, operation: Operation): readonly Operation[] {
  if (operation.invokedAtMs > atMs) return [];
  if (operation.settledAtMs <= atMs) return [operation];
  if (operation.command.type === 'read') return [];
  return [{ ...operation, settledAtMs: Infinity, outcome: { type: 'unknown' } }];
}
