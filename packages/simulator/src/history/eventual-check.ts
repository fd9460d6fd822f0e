import { isEventual } from './check-history.ts';
import { describeOperation } from './describe-operation.ts';
import type { Operation } from './operation.ts';
import { fallsOf } from './real-time-order.ts';
import { mayHaveWritten, valuesLeft } from './unseen-writes.ts';

/**
 * Eventual reads may be old, but what one process has applied only grows, and it never holds what
 * nobody wrote. Reads of one process carry one client's name.
 */
export function checkEventualReads(operations: readonly Operation[]): string[] {
  const eventual = operations.filter(isEventual);
  return [...fromNowhere(operations, eventual), ...goingBack(eventual)];
}

function fromNowhere(operations: readonly Operation[], eventual: readonly Operation[]): string[] {
  const firstCallsMs = new Map<string, number>();
  for (const operation of operations.filter(mayHaveWritten)) {
    for (const name of namesOfValues(operation)) {
      const earlierMs = firstCallsMs.get(name) ?? Infinity;
      firstCallsMs.set(name, Math.min(earlierMs, operation.invokedAtMs));
    }
  }
  return eventual.flatMap((operation) => {
    const { outcome, key, settledAtMs } = operation;
    if (outcome.type !== 'answered' || outcome.answer.type !== 'read') return [];
    const { value } = outcome.answer;
    const firstCallMs = firstCallsMs.get(JSON.stringify([key, value])) ?? Infinity;
    if (value === null || firstCallMs <= settledAtMs) return [];
    return [`nobody had written that: ${key} ${describeOperation(operation)}`];
  });
}

/** Neither the state that a process reads from, nor the write that made what it sees of a key. */
function goingBack(eventual: readonly Operation[]): string[] {
  return [
    ...fallsOf('revision', eventual, ({ client }) => client),
    ...fallsOf('modRevision', eventual, ({ client, key }) => JSON.stringify([client, key])),
  ];
}

function namesOfValues(operation: Operation): string[] {
  return valuesLeft(operation).map((value) => JSON.stringify([operation.key, value]));
}
