import { isEventual } from './check-history.ts';
import { describeOperation } from './describe-operation.ts';
import type { Operation } from './operation.ts';
import type { Observation } from './real-time-order.ts';
import { withNewestBefore } from './real-time-order.ts';
import { valuesLeft } from './unseen-writes.ts';

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

function goingBack(eventual: readonly Operation[]): string[] {
  const byProcess = new Map<string, Observation[]>();
  for (const operation of eventual) {
    const { outcome, client } = operation;
    if (outcome.type !== 'answered' || outcome.answer.revision === undefined) continue;
    const observation = { operation, revision: outcome.answer.revision };
    const observations = byProcess.get(client);
    if (observations === undefined) byProcess.set(client, [observation]);
    else observations.push(observation);
  }
  return [...byProcess.values()].flatMap((observations) => {
    const problems: string[] = [];
    for (const { called, newest } of withNewestBefore(observations)) {
      if (called.revision >= newest.revision) continue;
      const { operation } = called;
      const line = `${operation.key} ${describeOperation(operation)}`;
      problems.push(`went back from revision ${newest.revision}: ${line}`);
    }
    return problems;
  });
}

function mayHaveWritten({ command, outcome }: Operation): boolean {
  if (command.type === 'read' || outcome.type === 'refused') return false;
  const swapFailed =
    outcome.type === 'answered' &&
    outcome.answer.type === 'compareAndSwap' &&
    !outcome.answer.succeeded;
  return !swapFailed;
}

function namesOfValues(operation: Operation): string[] {
  return valuesLeft(operation).map((value) => JSON.stringify([operation.key, value]));
}
