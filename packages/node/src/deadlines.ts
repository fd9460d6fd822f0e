import type { Clock, Timer } from '@d-engine/base';

/** Something that waits and gives up at a time. */
export interface Waiting {
  /** Monotonic. */
  readonly deadlineAtMs: number;
  /** The time is over: settle and forget. Called at most once. */
  expire(): void;
}

/**
 * How exact deadlines are: requests wait for seconds, so a coarse sweep costs nothing per request.
 */
const sweepIntervalMs = 50;

/**
 * The deadlines of all waiting requests, swept by one timer while anything waits: a timer per
 * request would cost more than the request.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(waiting: Waiting): void {
    this.#waiting.add(waiting);
    this.#timer ??= this.#clock.setTimer(sweepIntervalMs, () => this.#sweep());
  }

  remove(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs();
    for (const waiting of this.#waiting) {
      if (waiting.deadlineAtMs > now) continue;
      this.#waiting.delete(waiting);
      waiting.expire();
    }
    if (this.#waiting.size === 0) return;
    // What expired may have begun to wait anew, and set the timer already.
    this.#timer ??= this.#clock.setTimer(sweepIntervalMs, () => this.#sweep());
  }
}
