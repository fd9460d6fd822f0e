import type { Revision } from '@d-engine/base';
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
