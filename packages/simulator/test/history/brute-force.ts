import type { Answer, Operation, Value } from '../../src/history/operation.ts';

interface Held {
  readonly value: Value;
  readonly revision: number | undefined;
  readonly expiresAtMs: number;
}

const nothing: Held = { value: null, revision: undefined, expiresAtMs: Infinity };

/**
 * Whether some order of all operations explains every answer: tries each order, and each subset of
 * the operations whose outcome is unknown, over all keys at once. Written without a look at the
 * checker, and slow beyond eight operations.
 */
export function someOrderExplains(operations: readonly Operation[]): boolean {
  const mustHappen = operations.filter(({ outcome }) => outcome.type === 'answered');
  const mayHappen = operations.filter(({ outcome }) => outcome.type === 'unknown');
  return extend(mustHappen, mayHappen, new Map());
}

function extend(
  must: readonly Operation[],
  may: readonly Operation[],
  store: ReadonlyMap<string, Held>,
): boolean {
  if (must.length === 0) return true;
  // Whatever is still to come includes the operation that was answered first.
  const latestMs = Math.min(...must.map((other) => other.settledAtMs));
  for (const next of [...must, ...may]) {
    // Nobody who was answered before this one was called may still be to come.
    if (must.some((other) => other.settledAtMs < next.invokedAtMs)) continue;
    const restMust = must.filter((other) => other !== next);
    const restMay = may.filter((other) => other !== next);
    for (const after of outcomes(next, store, latestMs))
      if (extend(restMust, restMay, after)) return true;
  }
  return false;
}

function outcomes(
  operation: Operation,
  store: ReadonlyMap<string, Held>,
  latestMs: number,
): ReadonlyMap<string, Held>[] {
  const held = store.get(operation.key) ?? nothing;
  const found = held.expiresAtMs <= latestMs ? [held, nothing] : [held];
  return found.flatMap((before) => {
    const after = perform(operation, before);
    return after === 'impossible' ? [] : [new Map(store).set(operation.key, after)];
  });
}

function perform({ command, outcome, invokedAtMs }: Operation, held: Held): Held | 'impossible' {
  const answer: Answer | undefined = outcome.type === 'answered' ? outcome.answer : undefined;
  const revision = answer?.revision;
  if (command.type === 'read') {
    if (answer?.type !== 'read') return held;
    if (answer.value !== held.value) return 'impossible';
    const { modRevision } = answer;
    if (held.value === null || modRevision === undefined) return held;
    if (held.revision === undefined) return { ...held, revision: modRevision };
    return modRevision === held.revision ? held : 'impossible';
  }
  if (command.type === 'put') {
    const expiresAtMs = command.ttlMs === undefined ? Infinity : invokedAtMs + command.ttlMs;
    return { value: command.value, revision, expiresAtMs };
  }
  if (command.type === 'delete') {
    const told = answer?.type === 'delete' ? answer.deleted : undefined;
    if (told !== undefined && told !== (held.value !== null)) return 'impossible';
    return nothing;
  }
  const matches = held.value === command.expected;
  if (answer?.type === 'compareAndSwap') {
    if (answer.succeeded !== matches) return 'impossible';
    if (!matches && answer.current !== undefined && answer.current !== held.value) {
      return 'impossible';
    }
  }
  if (!matches) return held;
  if (command.value === null) return nothing;
  return { value: command.value, revision, expiresAtMs: Infinity };
}
