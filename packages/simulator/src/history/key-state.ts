import type { Revision } from '@d-engine/base';
import type { Answer, Command, Operation, Value } from './operation.ts';

/** What one key holds, in the sequential store that a history is compared with. */
export interface KeyState {
  readonly value: Value;
  /** Of the write that made it; undefined until its client, or a read, was told. */
  readonly modRevision: Revision | undefined;
  /** From then on the value may vanish, late but never early; Infinity without a TTL. */
  readonly mayVanishAtMs: number;
}

export const absent: KeyState = { value: null, modRevision: undefined, mayVanishAtMs: Infinity };

/** One name for each state, so that equal ones are found in a set. */
export function stateName({ value, modRevision, mayVanishAtMs }: KeyState): string {
  if (value === null) return '-';
  return `=${JSON.stringify(value)}@${modRevision ?? ''}/${mayVanishAtMs}`;
}

/**
 * The states that the operation may leave behind when it takes effect on `state`, no later than
 * `latestMs`: none when its answer does not fit, two at most, since a value with a TTL may or may
 * not have vanished.
 */
export function apply(
  state: KeyState,
  operation: Operation,
  latestMs: number,
): readonly KeyState[] {
  const after = applyToSettled(state, operation);
  if (latestMs < state.mayVanishAtMs) return after === undefined ? [] : [after];
  const afterVanished = applyToSettled(absent, operation);
  return [after, afterVanished].filter((next) => next !== undefined);
}

/** Whether it leaves every value alone to which its answer fits. */
export function onlyObserves({ outcome }: Operation): boolean {
  if (outcome.type !== 'answered') return false;
  const { answer } = outcome;
  if (answer.type === 'delete') return answer.deleted === false;
  return answer.type === 'read' || (answer.type === 'compareAndSwap' && !answer.succeeded);
}

function applyToSettled(state: KeyState, operation: Operation): KeyState | undefined {
  const { command, outcome } = operation;
  // Whoever was told nothing may have met any state.
  const answer = outcome.type === 'answered' ? outcome.answer : undefined;
  switch (command.type) {
    case 'read':
      return answer?.type === 'read' ? seen(state, answer) : state;
    case 'put':
      return written(command.value, operation, answer);
    case 'delete':
      return deleteFits(state, answer) ? absent : undefined;
    case 'compareAndSwap':
      return swap(state, operation, command, answer);
  }
}

/** The state after a read that fits it. */
export function seen<State extends Pick<KeyState, 'value' | 'modRevision'>>(
  state: State,
  answer: Answer & { readonly type: 'read' },
): State | undefined {
  if (answer.value !== state.value) return undefined;
  const { modRevision } = answer;
  if (state.value === null || modRevision === undefined) return state;
  // The first who is told the revision of a write of unknown outcome tells it to all.
  if (state.modRevision === undefined) return { ...state, modRevision };
  return modRevision === state.modRevision ? state : undefined;
}

function deleteFits(state: KeyState, answer: Answer | undefined): boolean {
  if (answer?.type !== 'delete' || answer.deleted === undefined) return true;
  return answer.deleted === (state.value !== null);
}

function swap(
  state: KeyState,
  operation: Operation,
  command: Command & { readonly type: 'compareAndSwap' },
  answer: Answer | undefined,
): KeyState | undefined {
  const matches = state.value === command.expected;
  if (answer?.type === 'compareAndSwap') {
    if (answer.succeeded !== matches) return undefined;
    const { current } = answer;
    if (!matches && current !== undefined && current !== state.value) return undefined;
  }
  return matches ? written(command.value, operation, answer) : state;
}

function written(value: Value, operation: Operation, answer: Answer | undefined): KeyState {
  if (value === null) return absent;
  const { command, invokedAtMs } = operation;
  const ttlMs = command.type === 'put' ? (command.ttlMs ?? Infinity) : Infinity;
  return { value, modRevision: answer?.revision, mayVanishAtMs: invokedAtMs + ttlMs };
}
