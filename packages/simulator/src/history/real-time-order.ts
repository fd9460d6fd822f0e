import type { Revision } from '@d-engine/base';
import { describeOperation } from './describe-operation.ts';
import type { Operation } from './operation.ts';

/** An answered operation and the revision that it was told. */
export interface Observation {
  readonly operation: Operation;
  readonly revision: Revision;
}

/**
 * Each observation that began after others had ended, with the newest revision that any of those
 * were told: in a store that does not go back it cannot be told an older one.
 */
export function* withNewestBefore<T extends Observation>(
  observations: readonly T[],
): Generator<{ readonly called: T; readonly newest: T }> {
  const byCall = [...observations].sort(
    (one, other) => one.operation.invokedAtMs - other.operation.invokedAtMs,
  );
  const byAnswer = [...observations].sort(
    (one, other) => one.operation.settledAtMs - other.operation.settledAtMs,
  );
  let newest: T | undefined;
  let answered = 0;
  for (const called of byCall) {
    for (; answered < byAnswer.length; answered++) {
      const before = byAnswer[answered] as T;
      if (before.operation.settledAtMs >= called.operation.invokedAtMs) break;
      if (newest === undefined || before.revision > newest.revision) newest = before;
    }
    if (newest !== undefined) yield { called, newest };
  }
}

/** Reads that were told less than another read of the same group that had ended before. */
export function fallsOf(
  field: 'revision' | 'modRevision',
  reads: readonly Operation[],
  groupOf: (read: Operation) => string,
): string[] {
  const groups = new Map<string, Observation[]>();
  for (const operation of reads) {
    const { outcome } = operation;
    if (outcome.type !== 'answered' || outcome.answer.type !== 'read') continue;
    const revision = outcome.answer[field];
    if (revision === undefined) continue;
    const group = groupOf(operation);
    const observations = groups.get(group);
    if (observations === undefined) groups.set(group, [{ operation, revision }]);
    else observations.push({ operation, revision });
  }
  return [...groups.values()].flatMap((observations) => {
    const problems: string[] = [];
    for (const { called, newest } of withNewestBefore(observations)) {
      if (called.revision >= newest.revision) continue;
      const { operation } = called;
      const line = `${operation.key} ${describeOperation(operation)}`;
      problems.push(`went back from ${field} ${newest.revision}: ${line}`);
    }
    return problems;
  });
}
