import type { Clock, Instant, Timer } from '@d-engine/base';

interface Pending {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that goes on only when a test says so. */
export class ManualClock implements Clock {
  readonly #pending = new Set<Pending>();
  #nowMs = 1_000;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  now(): Instant {
    return { monotonicMs: this.#nowMs, wallMs: this.#nowMs };
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const pending = { atMs: this.#nowMs + delayMs, callback };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  get timerCount(): number {
    return this.#pending.size;
  }

  /** Lets time pass, timer by timer. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#pending].filter((pending) => pending.atMs <= endMs);
      due.sort((one, other) => one.atMs - other.atMs);
      const next = due[0];
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = endMs;
  }

  /** The host stood still: time passed, and no timer fired. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }
}
