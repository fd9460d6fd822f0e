import { HistoryError } from './history-error.ts';
import type { Answer, Command, Operation, Value } from './operation.ts';

/** `INFO  jepsen.util - 3<tab>:invoke<tab>:cas<tab>[1 2]`; other lines are noise. */
const event = /jepsen\.util - (\d+)\s+:(invoke|ok|fail|info)\s+:([\w-]+)(?:\s+(.+?))?\s*$/;
const pair = /^\[(\d+) (\d+)\]$/;
const value = /^(?:nil|\d+)$/;

/** How jepsen calls our commands. */
const commandTypes = { read: 'read', write: 'put', cas: 'compareAndSwap' } as const;

type Name = keyof typeof commandTypes;
type Pending = Pick<Operation, 'client' | 'key' | 'command' | 'invokedAtMs'>;

/** A log of a single register under read, write and compare-and-set. Time is the line's number. */
export function parseJepsenLog(text: string): Operation[] {
  const reader = new JepsenReader();
  for (const [index, line] of text.split('\n').entries()) reader.take(line, index + 1);
  return reader.finish();
}

export function isJepsenLog(text: string): boolean {
  return text.split('\n').some((line) => event.test(line));
}

class JepsenReader {
  readonly #operations: Operation[] = [];
  readonly #pending = new Map<string, Pending>();

  take(line: string, number: number): void {
    const [, client, type, name, argument = ''] = event.exec(line) ?? [];
    if (client === undefined || name === undefined) return;
    if (!isName(name)) throw new HistoryError(number, `"${name}" is no operation on a register`);
    if (type === 'invoke') this.#invoke(client, name, argument, number);
    else this.#settle(client, type as 'ok' | 'fail' | 'info', name, argument, number);
  }

  /** Whatever was never answered may still happen. */
  finish(): Operation[] {
    for (const pending of this.#pending.values()) this.#push(pending, Infinity, undefined);
    return this.#operations;
  }

  #invoke(client: string, name: Name, argument: string, line: number): void {
    if (this.#pending.has(client)) throw new HistoryError(line, `client ${client} is busy`);
    const command = commandOf(name, argument, line);
    this.#pending.set(client, { client, key: 'register', command, invokedAtMs: line });
  }

  #settle(
    client: string,
    type: 'ok' | 'fail' | 'info',
    name: Name,
    argument: string,
    line: number,
  ): void {
    const pending = this.#pending.get(client);
    if (pending === undefined) throw new HistoryError(line, `client ${client} asked for nothing`);
    if (pending.command.type !== commandTypes[name]) {
      throw new HistoryError(line, `client ${client} asked for something else`);
    }
    this.#pending.delete(client);
    if (type === 'info') this.#push(pending, Infinity, undefined);
    else if (type === 'ok') this.#push(pending, line, answerOf(pending.command, argument, line));
    else if (pending.command.type === 'compareAndSwap') {
      this.#push(pending, line, { type: 'compareAndSwap', succeeded: false });
    } else this.#operations.push({ ...pending, settledAtMs: line, outcome: { type: 'refused' } });
  }

  #push(pending: Pending, settledAtMs: number, answer: Answer | undefined): void {
    const outcome =
      answer === undefined
        ? ({ type: 'unknown' } as const)
        : ({ type: 'answered', answer } as const);
    this.#operations.push({ ...pending, settledAtMs, outcome });
  }
}

function isName(name: string): name is Name {
  return Object.hasOwn(commandTypes, name);
}

function commandOf(name: Name, argument: string, line: number): Command {
  if (name === 'read') return { type: 'read', consistency: 'linearizable' };
  if (name === 'write') return { type: 'put', value: numberOf(argument, line) };
  const [, expected, next] = pair.exec(argument) ?? [];
  if (expected === undefined || next === undefined) {
    throw new HistoryError(line, `"${argument}" is no [expected new]`);
  }
  return { type: 'compareAndSwap', expected, value: next };
}

function answerOf(command: Command, argument: string, line: number): Answer {
  switch (command.type) {
    case 'read': {
      if (!value.test(argument)) throw new HistoryError(line, `"${argument}" is no value`);
      return { type: 'read', value: argument === 'nil' ? null : argument };
    }
    case 'put':
      return { type: 'put' };
    case 'delete':
      return { type: 'delete' };
    case 'compareAndSwap':
      return { type: 'compareAndSwap', succeeded: true };
  }
}

function numberOf(argument: string, line: number): NonNullable<Value> {
  if (argument === 'nil' || !value.test(argument)) {
    throw new HistoryError(line, `"${argument}" is no number`);
  }
  return argument;
}
