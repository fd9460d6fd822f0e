import type { Operation, Value } from './operation.ts';

/** What a search over one key has to place, and what it may place. */
export interface SearchPlan {
  /** Answered: each has its place between its call and its answer. By the time of the call. */
  readonly answered: readonly Operation[];
  /** Of unknown outcome: each may take effect at any time after its call, or never. */
  readonly unknown: readonly Operation[];
  /**
   * For each unknown operation the one before it that asked for the very same, or -1. Of twins the
   * earlier may do whatever the later can, so the later is tried only after it.
   */
  readonly twinBefore: readonly number[];
}

/**
 * Leaves out what cannot matter: operations that had no effect, and writes of unknown outcome
 * whose value nobody ever saw. Each of those would double the search.
 */
export function planSearch(operations: readonly Operation[]): SearchPlan {
  const byCall = [...operations].sort((one, other) => one.invokedAtMs - other.invokedAtMs);
  const answered = byCall.filter(({ outcome }) => outcome.type === 'answered');
  const open = byCall.filter(
    ({ outcome, command }) => outcome.type === 'unknown' && command.type !== 'read',
  );
  const unknown = withoutUnseen(open, answered);
  return { answered, unknown, twinBefore: twinsOf(unknown) };
}

function withoutUnseen(
  unknown: readonly Operation[],
  answered: readonly Operation[],
): readonly Operation[] {
  // Somebody saw that something was there, and was not told what: it may have been anything.
  if (answered.some(sawSomethingUnnamed)) return unknown;
  const seen = new Set<Value>();
  for (const operation of answered) for (const value of valuesSeen(operation)) seen.add(value);
  // A swap may have made a value that was seen out of one that only the swap itself saw.
  for (let size = -1; size < seen.size; ) {
    size = seen.size;
    for (const { command } of unknown) {
      if (command.type !== 'compareAndSwap' || !seen.has(command.value)) continue;
      seen.add(command.expected);
    }
  }
  return unknown.filter((operation) => valuesLeft(operation).some((value) => seen.has(value)));
}

/** What the answered operation proves to have been there; null stands for "nothing was". */
export function valuesSeen({ command, outcome }: Operation): readonly Value[] {
  if (outcome.type !== 'answered') return [];
  const { answer } = outcome;
  if (answer.type === 'read') return [answer.value];
  if (answer.type === 'delete') return answer.deleted === false ? [null] : [];
  if (answer.type !== 'compareAndSwap' || command.type !== 'compareAndSwap') return [];
  if (answer.succeeded) return [command.expected];
  return answer.current === undefined ? [] : [answer.current];
}

function sawSomethingUnnamed({ command, outcome }: Operation): boolean {
  if (outcome.type !== 'answered') return false;
  const { answer } = outcome;
  if (answer.type === 'delete') return answer.deleted === true;
  if (command.type !== 'compareAndSwap' || answer.type !== 'compareAndSwap') return false;
  return !answer.succeeded && answer.current === undefined;
}

/** What the key may hold after the operation took effect; with a TTL also nothing, later. */
export function valuesLeft({ command }: Operation): readonly Value[] {
  switch (command.type) {
    case 'read':
      return [];
    case 'put':
      return command.ttlMs === undefined ? [command.value] : [command.value, null];
    case 'delete':
      return [null];
    case 'compareAndSwap':
      return [command.value];
  }
}

function twinsOf(unknown: readonly Operation[]): number[] {
  const last = new Map<string, number>();
  return unknown.map((operation, index) => {
    const name = JSON.stringify(operation.command);
    // The time of the call is when a TTL begins: later ones are no twins.
    const hasTtl = operation.command.type === 'put' && operation.command.ttlMs !== undefined;
    const before = hasTtl ? undefined : last.get(name);
    last.set(name, index);
    return before ?? -1;
  });
}
