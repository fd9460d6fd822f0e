import type { Revision } from '@d-engine/base';
import { seen } from './history/key-state.ts';
import type { Operation, Value } from './history/operation.ts';

/**
 * Whether the order of the revisions explains every answer on one key. If it does, that order is
 * the proof that the operations are linearizable, found without any search; if not, nothing is
 * said. An operation of unknown outcome takes effect where somebody needs it to have.
 */
export function revisionsExplain(operations: readonly Operation[]): boolean {
  const answered = operations.filter(({ outcome }) => outcome.type === 'answered');
  const unknown = operations.filter(({ outcome }) => outcome.type === 'unknown');
  return new Replay(unknown).explains([...answered].sort(byRevision));
}

function byRevision(one: Operation, other: Operation): number {
  return (
    revisionOf(one) - revisionOf(other) ||
    // A read saw what the write of its revision had left.
    Number(isRead(one)) - Number(isRead(other)) ||
    one.invokedAtMs - other.invokedAtMs
  );
}

function revisionOf({ outcome }: Operation): number {
  return outcome.type === 'answered' ? (outcome.answer.revision ?? 0) : 0;
}

function isRead({ command }: Operation): boolean {
  return command.type === 'read';
}

/** What the key holds, and which write made it, once anybody was told. */
interface State {
  readonly value: Value;
  readonly modRevision: Revision | undefined;
}

const absent: State = { value: null, modRevision: undefined };

class Replay {
  readonly #unused: Set<Operation>;
  #state = absent;
  /** Of what happened so far, the latest call: nothing that follows may have ended before it. */
  #calledAtMs = Number.NEGATIVE_INFINITY;

  constructor(unknown: readonly Operation[]) {
    this.#unused = new Set(unknown);
  }

  explains(ordered: readonly Operation[]): boolean {
    return ordered.every((operation) => this.#happens(operation) || this.#happensLate(operation));
  }

  #happens(operation: Operation): boolean {
    const after = stateAfter(this.#state, operation);
    if (after === undefined || operation.settledAtMs < this.#calledAtMs) return false;
    this.#state = after;
    this.#calledAtMs = Math.max(this.#calledAtMs, operation.invokedAtMs);
    return true;
  }

  /** After a write that nobody had heard of until now. */
  #happensLate(operation: Operation): boolean {
    const state = this.#state;
    const calledAtMs = this.#calledAtMs;
    for (const hidden of this.#unused) {
      if (hidden.invokedAtMs > operation.settledAtMs || !mayLeave(hidden, operation)) continue;
      if (this.#happens(hidden) && this.#happens(operation)) {
        this.#unused.delete(hidden);
        return true;
      }
      this.#state = state;
      this.#calledAtMs = calledAtMs;
    }
    return false;
  }
}

/** Undefined: it cannot have been answered so. A TTL leaves more than one state: no proof then. */
function stateAfter(state: State, { command, outcome }: Operation): State | undefined {
  const answer = outcome.type === 'answered' ? outcome.answer : undefined;
  const written = (value: Value): State =>
    value === null ? absent : { value, modRevision: answer?.revision };
  switch (command.type) {
    case 'read':
      return answer?.type === 'read' ? seen(state, answer) : undefined;
    case 'put':
      return command.ttlMs === undefined ? written(command.value) : undefined;
    case 'delete': {
      const deleted = answer?.type === 'delete' ? answer.deleted : undefined;
      return deleted === undefined || deleted === (state.value !== null) ? absent : undefined;
    }
    case 'compareAndSwap': {
      const matches = state.value === command.expected;
      if (answer?.type === 'compareAndSwap') {
        if (answer.succeeded !== matches) return undefined;
        const current = matches ? undefined : answer.current;
        if (current !== undefined && current !== state.value) return undefined;
      }
      return matches ? written(command.value) : state;
    }
  }
}

/** Whether the write may leave what the answered operation met; a deletion fits more than one. */
function mayLeave(write: Operation, { command, outcome }: Operation): boolean {
  if (outcome.type !== 'answered') return false;
  const left = leftBy(write);
  const { answer } = outcome;
  if (answer.type === 'read') return answer.value === left;
  if (answer.type === 'delete') return answer.deleted === (left !== null);
  if (answer.type !== 'compareAndSwap' || command.type !== 'compareAndSwap') return false;
  return (answer.succeeded ? command.expected : answer.current) === left;
}

function leftBy({ command }: Operation): Value | undefined {
  if (command.type === 'delete') return null;
  return command.type === 'read' ? undefined : command.value;
}
