import { checkLinearizability, describeVerdict, isEventual } from './history/check-history.ts';
import { checkEventualReads } from './history/eventual-check.ts';
import type { Operation } from './history/operation.ts';
import { checkRevisions } from './history/revision-check.ts';
import { revisionsExplain } from './revision-witness.ts';
import type { CheckName, Violation } from './violation.ts';

/** Holds what the clients of a run saw to everything that was promised to them. */
export function judgeHistory(history: readonly Operation[]): Violation[] {
  const named = (check: CheckName, texts: readonly string[]): Violation[] =>
    texts.map((text) => ({ check, text }));
  return [
    ...named('linearizability', judgeOrder(history)),
    ...named('revisions follow real time', checkRevisions(history)),
    ...named('eventual reads are monotonic', checkEventualReads(history)),
  ];
}

/** Searches for an order only where that of the revisions is none: a search costs a second run. */
function judgeOrder(history: readonly Operation[]): string[] {
  const unexplained = new Set<string>();
  for (const key of new Set(history.map((operation) => operation.key))) {
    const ofKey = history.filter((each) => each.key === key && !isEventual(each));
    if (!revisionsExplain(ofKey)) unexplained.add(key);
  }
  const verdict = checkLinearizability(history.filter(({ key }) => unexplained.has(key)));
  return verdict.type === 'linearizable' ? [] : [describeVerdict(verdict).join('\n    ')];
}
