import type { Clock, Instant, Timer } from '@d-engine/base';

/** Node cuts longer timers to 1 ms. */
const timerDelayMsMax = 2 ** 31 - 1;

/** The machine's clocks. Running timers keep the process alive, as a listening port does. */
export class RealClock implements Clock {
  monotonicMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  now(): Instant {
    return { monotonicMs: performance.now(), wallMs: Date.now() };
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return new RealTimer(delayMs, callback);
  }
}

class RealTimer implements Timer {
  readonly #dueMs: number;
  readonly #callback: () => void;
  #timeout: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#dueMs = performance.now() + delayMs;
    this.#callback = callback;
    this.#timeout = setTimeout(() => this.#fire(), nodeDelay(delayMs));
  }

  cancel(): void {
    clearTimeout(this.#timeout);
  }

  #fire(): void {
    // libuv counts in whole milliseconds of its own and may be up to one early.
    const leftMs = this.#dueMs - performance.now();
    if (leftMs <= 0) this.#callback();
    else this.#timeout = setTimeout(() => this.#fire(), nodeDelay(leftMs));
  }
}

function nodeDelay(ms: number): number {
  return Math.min(timerDelayMsMax, Math.max(0, Math.ceil(ms)));
}
