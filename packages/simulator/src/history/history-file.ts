import { HistoryError } from './history-error.ts';
import type { Answer, Command, Operation, Outcome } from './operation.ts';

/** The first line of a history file; docs/histories.md describes the rest. */
const header = { format: 'd-engine-history', version: 1 } as const;

type Fields = Readonly<Record<string, unknown>>;

/** One JSON object a line, as docs/histories.md says. */
export function encodeHistory(operations: readonly Operation[]): string {
  const lines = operations.map((operation) => {
    const { client, key, command, invokedAtMs, settledAtMs, outcome } = operation;
    const end = settledAtMs === Infinity ? null : settledAtMs;
    return JSON.stringify({ client, key, command, invokedAtMs, settledAtMs: end, outcome });
  });
  return [JSON.stringify(header), ...lines, ''].join('\n');
}

export function isHistoryFile(text: string): boolean {
  return text.startsWith('{');
}

/** Throws a HistoryError that names the line. */
export function decodeHistory(text: string): Operation[] {
  const lines = text.split('\n');
  checkHeader(objectOf(lines[0] ?? '', 1));
  const operations: Operation[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '') continue;
    const number = index + 1;
    try {
      operations.push(operationOf(objectOf(line, number)));
    } catch (error) {
      if (error instanceof HistoryError) throw error;
      throw new HistoryError(number, error instanceof Error ? error.message : String(error));
    }
  }
  return operations;
}

function checkHeader(fields: Fields): void {
  if (fields['format'] !== header.format) {
    throw new HistoryError(1, `"format" must be "${header.format}"`);
  }
  if (fields['version'] !== header.version) {
    throw new HistoryError(1, `version ${String(fields['version'])} is not known here`);
  }
}

function objectOf(line: string, number: number): Fields {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new HistoryError(number, 'this is no JSON');
  }
  if (!isFields(parsed)) throw new HistoryError(number, 'a JSON object is expected');
  return parsed;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function operationOf(fields: Fields): Operation {
  const outcome = outcomeOf(fieldsOf(fields, 'outcome'));
  const end = fields['settledAtMs'];
  const invokedAtMs = numberOf(fields, 'invokedAtMs');
  const settledAtMs = end === null ? Infinity : numberOf(fields, 'settledAtMs');
  if ((outcome.type === 'unknown') !== (settledAtMs === Infinity)) {
    throw new Error('"settledAtMs" must be null exactly when the outcome is unknown');
  }
  if (settledAtMs < invokedAtMs) throw new Error('it is answered before it is called');
  const command = commandOf(fieldsOf(fields, 'command'));
  if (outcome.type === 'answered' && outcome.answer.type !== command.type) {
    throw new Error(`a ${command.type} cannot be answered with a ${outcome.answer.type}`);
  }
  const client = textOf(fields, 'client');
  return { client, key: textOf(fields, 'key'), command, invokedAtMs, settledAtMs, outcome };
}

function commandOf(fields: Fields): Command {
  const type = fields['type'];
  switch (type) {
    case 'read': {
      const consistency = fields['consistency'];
      if (consistency !== 'linearizable' && consistency !== 'lease' && consistency !== 'eventual') {
        throw new Error('"consistency" must be linearizable, lease or eventual');
      }
      return { type, consistency };
    }
    case 'put': {
      const value = textOf(fields, 'value');
      if (fields['ttlMs'] === undefined) return { type, value };
      const ttlMs = numberOf(fields, 'ttlMs');
      // It would be allowed to vanish before it was written.
      if (ttlMs < 0) throw new Error('"ttlMs" must not be negative');
      return { type, value, ttlMs };
    }
    case 'delete':
      return { type };
    case 'compareAndSwap':
      return {
        type,
        expected: nullableTextOf(fields, 'expected'),
        value: nullableTextOf(fields, 'value'),
      };
    default:
      throw new Error('"command.type" must be read, put, delete or compareAndSwap');
  }
}

function outcomeOf(fields: Fields): Outcome {
  const type = fields['type'];
  if (type === 'refused' || type === 'unknown') return { type };
  if (type === 'answered') return { type, answer: answerOf(fieldsOf(fields, 'answer')) };
  throw new Error('"outcome.type" must be answered, refused or unknown');
}

function answerOf(fields: Fields): Answer {
  const type = fields['type'];
  const revision =
    fields['revision'] === undefined ? {} : { revision: numberOf(fields, 'revision') };
  switch (type) {
    case 'read': {
      const value = nullableTextOf(fields, 'value');
      if (fields['modRevision'] === undefined) return { type, value, ...revision };
      return { type, value, modRevision: numberOf(fields, 'modRevision'), ...revision };
    }
    case 'put':
      return { type, ...revision };
    case 'delete': {
      if (fields['deleted'] === undefined) return { type, ...revision };
      return { type, deleted: flagOf(fields, 'deleted'), ...revision };
    }
    case 'compareAndSwap': {
      const succeeded = flagOf(fields, 'succeeded');
      if (fields['current'] === undefined) return { type, succeeded, ...revision };
      return { type, succeeded, current: nullableTextOf(fields, 'current'), ...revision };
    }
    default:
      throw new Error('"answer.type" must be read, put, delete or compareAndSwap');
  }
}

function fieldsOf(fields: Fields, name: string): Fields {
  const value = fields[name];
  if (isFields(value)) return value;
  throw new Error(`"${name}" must be an object`);
}

function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`"${name}" must be a number`);
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value === 'string') return value;
  throw new Error(`"${name}" must be a string`);
}

function nullableTextOf(fields: Fields, name: string): string | null {
  return fields[name] === null ? null : textOf(fields, name);
}

function flagOf(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value === 'boolean') return value;
  throw new Error(`"${name}" must be true or false`);
}
