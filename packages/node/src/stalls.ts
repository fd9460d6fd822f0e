import type { Clock, Logger } from '@d-engine/base';

/** What is told of an event loop that something held up: each stall once, whoever noticed it. */
export class Stalls {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onStall: () => void;
  /** When the last one ended. */
  #endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: { clock: Clock; logger: Logger; onStall: () => void }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#onStall = options.onStall;
  }

  /** Of a stall that ends now. */
  note(blockedMs: number): void {
    const now = this.#clock.monotonicMs();
    if (now - blockedMs < this.#endedAtMs) return;
    this.#endedAtMs = now;
    this.#onStall();
    this.#logger.warn(`event loop blocked ${Math.round(blockedMs)} ms`);
  }
}
