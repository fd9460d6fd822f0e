import type { Clock, Counter, Instant, LogIndex, Term, Timer } from '@d-engine/base';
import { entryKinds } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { StateMachine } from '@d-engine/storage';

/** While anything goes away by itself, the log says what time it is at least this often. */
const longestIntervalMs = 1_000;
/** And no more often than this: many keys that are due one after another share an entry. */
const shortestIntervalMs = 50;

/**
 * Proposes the time entries that decide what is over (design rule 7). Only a leader does, and only
 * while the state holds something that goes away by itself. An entry waits for the one before it,
 * so that a cluster that cannot commit does not gather them.
 */
export class TimeKeeper {
  readonly #clock: Clock;
  readonly #raft: Raft;
  readonly #state: Pick<StateMachine, 'appliedIndex' | 'nextExpiryMs'>;
  readonly #requestTurn: () => void;
  readonly #proposed: Counter;
  #pending: { readonly index: LogIndex; readonly term: Term } | undefined;
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #timerDueAtMs = Number.POSITIVE_INFINITY;

  constructor(options: {
    clock: Clock;
    raft: Raft;
    state: Pick<StateMachine, 'appliedIndex' | 'nextExpiryMs'>;
    requestTurn: () => void;
    proposed: Counter;
  }) {
    this.#clock = options.clock;
    this.#raft = options.raft;
    this.#state = options.state;
    this.#requestTurn = options.requestTurn;
    this.#proposed = options.proposed;
  }

  /** Does in this turn what is due, and asks for a later one when something will be. */
  onTurn(at: Instant): void {
    const raft = this.#raft;
    const nowMs = raft.clusterTimeMs(at);
    const dueMs = nowMs === undefined ? undefined : this.#state.nextExpiryMs;
    if (nowMs === undefined || dueMs === undefined) return this.stop();
    if (this.#isPending()) return;
    const sinceMs = at.monotonicMs - this.#lastAtMs;
    const waitMs = Math.max(
      shortestIntervalMs - sinceMs,
      Math.min(dueMs - nowMs, longestIntervalMs - sinceMs),
    );
    if (waitMs > 0) return this.#arm(at, waitMs);
    const proposal = { kind: entryKinds.time, payload: noBytes };
    const result = raft.propose([proposal], at);
    if (!result.accepted) return this.#arm(at, shortestIntervalMs);
    this.#pending = { index: result.lastIndex, term: result.term };
    this.#lastAtMs = at.monotonicMs;
    this.#proposed.add();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueAtMs = Number.POSITIVE_INFINITY;
  }

  #isPending(): boolean {
    if (this.#pending === undefined) return false;
    const { index, term } = this.#pending;
    if (term === this.#raft.term && this.#state.appliedIndex < index) return true;
    this.#pending = undefined;
    return false;
  }

  /** An earlier timer is left alone: when it fires, this is asked again. */
  #arm(at: Instant, waitMs: number): void {
    const dueAtMs = at.monotonicMs + waitMs;
    if (this.#timer !== undefined && this.#timerDueAtMs <= dueAtMs) return;
    this.stop();
    this.#timerDueAtMs = dueAtMs;
    this.#timer = this.#clock.setTimer(waitMs, () => {
      this.#timer = undefined;
      this.#timerDueAtMs = Number.POSITIVE_INFINITY;
      this.#requestTurn();
    });
  }
}

const noBytes: Uint8Array = new Uint8Array(0);
