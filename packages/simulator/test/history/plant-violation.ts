import type { Operation, Value } from '../../src/history/operation.ts';
import { valuesLeft } from '../../src/history/unseen-writes.ts';
import type { Pick } from './generate.ts';

/**
 * Lets one read have seen what it cannot have seen, whatever else happened: a value that had been
 * overwritten for sure, or one that nobody wrote. Undefined: nobody read anything.
 */
export function plantViolation(history: readonly Operation[], pick: Pick): Operation[] | undefined {
  const reads = history.filter(isRead);
  const stale = reads.flatMap((read) =>
    valuesGoneBefore(read, history).map((value) => ({ read, value })),
  );
  const fromNowhere = reads.map((read) => ({ read, value: 'nobody wrote this' }));
  const choices = stale.length > 0 && pick(4) > 0 ? stale : fromNowhere;
  const choice = choices[pick(Math.max(1, choices.length))];
  if (choice === undefined) return undefined;
  return history.map((operation) => (operation === choice.read ? seeing(choice) : operation));
}

function isRead({ command, outcome }: Operation): boolean {
  if (command.type !== 'read' || command.consistency === 'eventual') return false;
  return outcome.type === 'answered';
}

function seeing({ read, value }: { read: Operation; value: Value }): Operation {
  return { ...read, outcome: { type: 'answered', answer: { type: 'read', value } } };
}

/** Of one write alone, answered before another put was called that was itself answered by then. */
function valuesGoneBefore(read: Operation, history: readonly Operation[]): string[] {
  const writes = history.filter(
    ({ key, outcome }) => key === read.key && outcome.type !== 'refused',
  );
  return writes.flatMap((write) => {
    const [value] = valuesLeft(write);
    if (typeof value !== 'string' || write.outcome.type !== 'answered') return [];
    const isAlone = writes.every((other) => other === write || !valuesLeft(other).includes(value));
    const isOverwritten = writes.some(
      ({ command, invokedAtMs, settledAtMs }) =>
        command.type === 'put' && invokedAtMs > write.settledAtMs && settledAtMs < read.invokedAtMs,
    );
    return isAlone && isOverwritten ? [value] : [];
  });
}
