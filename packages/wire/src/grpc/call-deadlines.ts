import type { Clock, Timer } from '@d-engine/base';

/** A call or stream that ends by itself when its time is over. */
export interface Expiring {
  onDeadline(): void;
}

/**
 * Deadlines that are due in the same step share a bucket: nobody is ended early, or much late.
 * Longer ones have longer steps, so that no caller can make more than some thousand buckets.
 */
function stepOf(deadlineMs: number): number {
  if (deadlineMs <= 10_000) return 10;
  return deadlineMs <= 3_600_000 ? 1_000 : 60_000;
}

/** Some weeks: whoever waits for longer waits for ever. */
const deadlineMsMax = 2 ** 31;
/** How long a bucket that has become empty is kept at most. */
const sweepMs = 1_000;
const noBucket: Set<Expiring> = new Set();

/**
 * The deadlines of all calls of a listener, with one timer for all of them: a timer a call would
 * cost as much as the rest of the call.
 */
export class CallDeadlines {
  readonly #clock: Clock;
  readonly #buckets: Map<number, Set<Expiring>> = new Map();
  #timer: Timer | undefined;
  /** When the timer is due. */
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onDeadline` once `deadlineMs` have passed, unless deleted from what this returns. */
  add(call: Expiring, deadlineMs: number): Set<Expiring> {
    if (deadlineMs > deadlineMsMax) return noBucket;
    const now = this.#clock.monotonicMs();
    const stepMs = stepOf(deadlineMs);
    const dueMs = Math.ceil((now + deadlineMs) / stepMs) * stepMs;
    let bucket = this.#buckets.get(dueMs);
    if (bucket === undefined) {
      bucket = new Set();
      this.#buckets.set(dueMs, bucket);
      if (dueMs < this.#wakeAtMs) this.#wake(dueMs, now);
    }
    bucket.add(call);
    return bucket;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#buckets.clear();
  }

  #wake(dueMs: number, now: number): void {
    this.#timer?.cancel();
    this.#wakeAtMs = Math.min(dueMs, now + sweepMs);
    this.#timer = this.#clock.setTimer(this.#wakeAtMs - now, () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [dueMs, bucket] of this.#buckets) {
      if (bucket.size > 0 && dueMs > now) nextMs = Math.min(nextMs, dueMs);
      else {
        this.#buckets.delete(dueMs);
        for (const call of bucket) call.onDeadline();
      }
    }
    if (nextMs < this.#wakeAtMs) this.#wake(nextMs, now);
  }
}
