import type { LogIndex } from '@d-engine/base';

/** What the state of a member was once it had applied an entry. */
export interface AppliedState {
  readonly index: LogIndex;
  readonly hash: string;
}

const none: readonly AppliedState[] = [];

/**
 * The states that one process went through, entry by entry, until a check takes them: a batch is
 * applied in one event, and what is wrong in the middle of it may be right at its end.
 */
export class AppliedStates {
  #states: AppliedState[] = [];

  add(index: LogIndex, hash: string): void {
    this.#states.push({ index, hash });
  }

  take(): readonly AppliedState[] {
    if (this.#states.length === 0) return none;
    const taken = this.#states;
    this.#states = [];
    return taken;
  }
}
