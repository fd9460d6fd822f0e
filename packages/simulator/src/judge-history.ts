import {
  checkLinearizability,
  describeVerdict,
  groupByKey,
  isEventual,
} from './history/check-history.ts';
import { checkEventualReads } from './history/eventual-check.ts';
import type { Operation } from './history/operation.ts';
import { checkRevisions } from './history/revision-check.ts';
import type { Loss } from './invariants/losses.ts';
import { historiesOf } from './lost-operations.ts';
import { revisionsExplain } from './revision-witness.ts';
import type { CheckName, Violation } from './violation.ts';

/**
 * Holds what the clients of a run saw to everything that was promised to them. Where members gave
 * up what they had acknowledged, the history up to then and the one without it are each held to it.
 */
export function judgeHistory(
  operations: readonly Operation[],
  losses: readonly Loss[] = [],
): Violation[] {
  return [
    ...historiesOf(operations, losses).flatMap(judgeOne),
    // A process never sees two of them.
    ...named('eventual reads are monotonic', checkEventualReads(operations)),
  ];
}

function judgeOne(history: readonly Operation[]): Violation[] {
  return [
    ...named('linearizability', judgeOrder(history)),
    ...named('revisions follow real time', checkRevisions(history)),
  ];
}

function named(check: CheckName, texts: readonly string[]): Violation[] {
  return texts.map((text) => ({ check, text }));
}

/** Searches for an order only where that of the revisions is none: a search costs a second run. */
function judgeOrder(history: readonly Operation[]): string[] {
  const unexplained: Operation[] = [];
  for (const all of groupByKey(history).values()) {
    const ofKey = all.filter((operation) => !isEventual(operation));
    if (!revisionsExplain(ofKey)) unexplained.push(...ofKey);
  }
  const verdict = checkLinearizability(unexplained);
  return verdict.type === 'linearizable' ? [] : [describeVerdict(verdict).join('\n    ')];
}
