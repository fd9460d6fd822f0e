import type { Clock, Instant, Timer } from '@d-engine/base';

interface Pending {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Time that goes on only when nothing else can happen. */
export class FakeClock implements Clock {
  readonly #pending = new Set<Pending>();
  #nowMs = 1_000_000;

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
    const pending: Pending = { atMs: this.#nowMs + delayMs, callback };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Lets time pass until the promise is settled, and returns what it came to. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (;;) {
      await this.settle();
      if (settled) return promise;
      this.#fireNext();
    }
  }

  /** Lets this much time pass, timer by timer. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    const timer = this.setTimer(ms, () => undefined);
    while (this.#nowMs < endMs) {
      await this.settle();
      this.#fireNext();
    }
    timer.cancel();
    await this.settle();
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  #fireNext(): void {
    let next: Pending | undefined;
    for (const pending of this.#pending) {
      if (next === undefined || pending.atMs < next.atMs) next = pending;
    }
    if (next === undefined) throw new Error('nothing is under way: the promise never settles');
    this.#pending.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.callback();
  }
}
