import type { Operation, Value } from './operation.ts';

/**
 * The writes of unknown outcome that can matter, made as alike as they can be; each one more may
 * double a search. A value that nobody names can matter in two ways:
 * - an answer says that something was there, not what: one such value is as good as another;
 * - it vanished in the end, having had a TTL: that is what a deletion does, called that much later.
 */
export function withoutUnseen(
  unknown: readonly Operation[],
  answered: readonly Operation[],
): readonly Operation[] {
  const somethingWasSeen = answered.some(sawSomethingUnnamed);
  const named = valuesNamed(unknown, answered, somethingWasSeen);
  const isUnnamed = (value: Value): boolean => value !== null && !named.has(value);
  const unnamed = unknown.flatMap(valuesLeft).find(isUnnamed);
  return unknown.flatMap((operation) => {
    const { command } = operation;
    if (command.type === 'read') return [];
    if (command.type === 'delete') return named.has(null) ? [operation] : [];
    if (!isUnnamed(command.value)) return named.has(command.value) ? [operation] : [];
    if (somethingWasSeen) return [withValue(operation, unnamed ?? command.value)];
    return named.has(null) ? asDeletion(operation) : [];
  });
}

/** The values that somebody saw, or would have to have seen for an unknown swap to matter. */
function valuesNamed(
  unknown: readonly Operation[],
  answered: readonly Operation[],
  somethingWasSeen: boolean,
): ReadonlySet<Value> {
  const named = new Set<Value>();
  for (const operation of answered) {
    for (const value of valuesSeen(operation)) named.add(value);
    if (operation.command.type !== 'compareAndSwap') continue;
    // What a swap expected is the one value that cannot explain why it failed; nothing may.
    named.add(operation.command.expected);
    if (sawSomethingUnnamed(operation)) named.add(null);
  }
  for (let size = -1; size < named.size; ) {
    size = named.size;
    for (const { command } of unknown) {
      if (command.type !== 'compareAndSwap') continue;
      if (somethingWasSeen || named.has(command.value)) named.add(command.expected);
    }
  }
  return named;
}

function withValue(operation: Operation, value: Value): Operation {
  const { command } = operation;
  if (value === null || command.type === 'read' || command.type === 'delete') return operation;
  return { ...operation, command: { ...command, value } };
}

function asDeletion(operation: Operation): Operation[] {
  const { command, invokedAtMs } = operation;
  if (command.type !== 'put' || command.ttlMs === undefined) return [];
  return [{ ...operation, command: { type: 'delete' }, invokedAtMs: invokedAtMs + command.ttlMs }];
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

/** Whether it may have left something behind: a swap that failed has not. */
export function mayHaveWritten({ command, outcome }: Operation): boolean {
  if (command.type === 'read' || outcome.type === 'refused') return false;
  const swapFailed =
    outcome.type === 'answered' &&
    outcome.answer.type === 'compareAndSwap' &&
    !outcome.answer.succeeded;
  return !swapFailed;
}

/** Whether its answer says that the key held something, or something else, and not what. */
export function sawSomethingUnnamed({ command, outcome }: Operation): boolean {
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
