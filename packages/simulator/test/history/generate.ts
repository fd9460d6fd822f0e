import type { Answer, Command, Operation, Outcome } from '../../src/history/operation.ts';

/** A number below `limit`. */
export type Pick = (limit: number) => number;

interface Held {
  readonly value: string;
  readonly revision: number;
  readonly expiresAtMs: number;
}

export interface Shape {
  readonly operations: number;
  readonly keys: number;
  readonly clients: number;
  /** Different values of a key; few of them make swaps succeed and puzzles hard. */
  readonly values: number;
  readonly withTtl: boolean;
}

/**
 * A history that is linearizable because it was made in an order: a store performs one command
 * after the other, each at a moment of its own, and calls and answers are spread around those.
 */
export function generateHistory(pick: Pick, shape: Shape): Operation[] {
  const store = new Map<string, Held>();
  const busyUntil = new Map<string, number>();
  const operations: Operation[] = [];
  for (let number = 1; number <= shape.operations; number++) {
    const nowMs = number * 10;
    const free = clientNames(shape.clients).filter((name) => (busyUntil.get(name) ?? -1) < nowMs);
    const client = free[pick(Math.max(1, free.length))] ?? `extra${number}`;
    const key = `k${pick(shape.keys)}`;
    const invokedAtMs = Math.max((busyUntil.get(client) ?? -1) + 1, nowMs - pick(40));
    const command = drawCommand(pick, shape);
    const fate = pick(10);
    // Refused and, half the time, unknown operations have no effect.
    const happens = fate > 1;
    const answer =
      happens || fate === 1 ? perform(store, key, command, nowMs, number, happens) : undefined;
    const settledAtMs = nowMs + pick(40);
    const outcome: Outcome =
      fate === 0
        ? { type: 'refused' }
        : fate <= 2 || answer === undefined
          ? { type: 'unknown' }
          : { type: 'answered', answer: pick(4) === 0 ? withoutDetail(answer) : answer };
    const isUnknown = outcome.type === 'unknown';
    operations.push({
      client,
      key,
      command,
      invokedAtMs,
      settledAtMs: isUnknown ? Infinity : settledAtMs,
      outcome,
    });
    busyUntil.set(client, isUnknown ? Infinity : settledAtMs);
  }
  return operations;
}

function clientNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `c${index}`);
}

/** Not every road tells everything. */
function withoutDetail(answer: Answer): Answer {
  switch (answer.type) {
    case 'read':
      return { type: 'read', value: answer.value };
    case 'put':
    case 'delete':
      return { type: answer.type };
    case 'compareAndSwap':
      return { type: 'compareAndSwap', succeeded: answer.succeeded };
  }
}

function drawCommand(pick: Pick, { values, withTtl }: Shape): Command {
  const value = (): string => `v${pick(values)}`;
  switch (pick(8)) {
    case 0:
      return { type: 'delete' };
    case 1:
      return { type: 'put', value: value(), ...(withTtl ? { ttlMs: 10 + pick(60) } : {}) };
    case 2:
    case 3:
      return { type: 'put', value: value() };
    case 4:
    case 5: {
      const expected = pick(3) === 0 ? null : value();
      return { type: 'compareAndSwap', expected, value: pick(4) === 0 ? null : value() };
    }
    default:
      return { type: 'read', consistency: pick(2) === 0 ? 'linearizable' : 'lease' };
  }
}

function perform(
  store: Map<string, Held>,
  key: string,
  command: Command,
  nowMs: number,
  revision: number,
  happens: boolean,
): Answer {
  const held = store.get(key);
  // A value vanishes as late as it likes; here, as soon as it may.
  const found = held !== undefined && held.expiresAtMs > nowMs ? held : undefined;
  const write = (value: string | null, expiresAtMs: number): void => {
    if (!happens) return;
    if (value === null) store.delete(key);
    else store.set(key, { value, revision, expiresAtMs });
  };
  switch (command.type) {
    case 'read':
      if (found === undefined) return { type: 'read', value: null, revision };
      return { type: 'read', value: found.value, modRevision: found.revision, revision };
    case 'put':
      write(command.value, command.ttlMs === undefined ? Infinity : nowMs + command.ttlMs);
      return { type: 'put', revision };
    case 'delete':
      write(null, Infinity);
      return { type: 'delete', deleted: found !== undefined, revision };
    case 'compareAndSwap': {
      const current = found?.value ?? null;
      const succeeded = current === command.expected;
      if (succeeded) write(command.value, Infinity);
      const told = succeeded ? {} : { current };
      return { type: 'compareAndSwap', succeeded, ...told, revision };
    }
  }
}

/** Changes one answer; the history may be impossible then, or still be possible by luck. */
export function plantDoubt(operations: readonly Operation[], pick: Pick): Operation[] {
  const answered = operations.filter(({ outcome }) => outcome.type === 'answered');
  const victim = answered[pick(Math.max(1, answered.length))];
  return operations.map((operation) => {
    if (operation !== victim || operation.outcome.type !== 'answered') return operation;
    const answer = otherAnswer(operation.outcome.answer, pick);
    return { ...operation, outcome: { type: 'answered', answer } };
  });
}

function otherAnswer(answer: Answer, pick: Pick): Answer {
  const { revision, ...rest } = answer;
  switch (rest.type) {
    case 'read':
      return { type: 'read', value: pick(3) === 0 ? null : `v${pick(3)}` };
    case 'put':
      return rest;
    case 'delete':
      return { type: 'delete', deleted: rest.deleted !== true };
    case 'compareAndSwap':
      return { type: 'compareAndSwap', succeeded: !rest.succeeded };
  }
}

/** Lets one read have seen another value that somebody wrote, or nothing: mostly a stale one. */
export function plantOtherValue(operations: readonly Operation[], pick: Pick): Operation[] {
  const reads = operations.filter(
    ({ command, outcome }) => command.type === 'read' && outcome.type === 'answered',
  );
  const values = operations.flatMap(({ command }) =>
    command.type === 'put' ? [command.value] : [],
  );
  const victim = reads[pick(Math.max(1, reads.length))];
  return operations.map((operation) => {
    if (operation !== victim) return operation;
    const value = [...values, null][pick(values.length + 1)] ?? null;
    return { ...operation, outcome: { type: 'answered', answer: { type: 'read', value } } };
  });
}
