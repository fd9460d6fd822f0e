import type { Revision } from '@d-engine/base';
import type { Command, Operation, Outcome, Value } from './operation.ts';

/** One line for people: `c3  12.500..19.000  compareAndSwap "a" -> "b": failed, found nothing`. */
export function describeOperation(operation: Operation): string {
  const { client, invokedAtMs, settledAtMs, command, outcome } = operation;
  const end = settledAtMs === Infinity ? '?' : settledAtMs.toFixed(3);
  return `${client}  ${invokedAtMs.toFixed(3)}..${end}  ${asked(command)}: ${told(outcome)}`;
}

function text(value: Value | undefined): string {
  if (value === undefined) return 'something else';
  return value === null ? 'nothing' : JSON.stringify(value);
}

function asked(command: Command): string {
  switch (command.type) {
    case 'read':
      return `read (${command.consistency})`;
    case 'put':
      if (command.ttlMs === undefined) return `put ${text(command.value)}`;
      return `put ${text(command.value)} for ${command.ttlMs} ms`;
    case 'delete':
      return 'delete';
    case 'compareAndSwap':
      return `compareAndSwap ${text(command.expected)} -> ${text(command.value)}`;
  }
}

function maker(modRevision: Revision | undefined): string {
  return modRevision === undefined ? '' : ` of revision ${modRevision}`;
}

function told(outcome: Outcome): string {
  if (outcome.type !== 'answered') return outcome.type;
  const { answer } = outcome;
  const revision = answer.revision === undefined ? '' : ` at revision ${answer.revision}`;
  switch (answer.type) {
    case 'read':
      return `saw ${text(answer.value)}${maker(answer.modRevision)}${revision}`;
    case 'put':
      return `done${revision}`;
    case 'delete':
      if (answer.deleted === undefined) return `done${revision}`;
      return `${answer.deleted ? 'deleted' : 'there was nothing'}${revision}`;
    case 'compareAndSwap':
      return answer.succeeded
        ? `swapped${revision}`
        : `failed, found ${text(answer.current)}${revision}`;
  }
}
