import type { Clock, Random } from '@d-engine/base';

/**
 * When an address may be dialled again. The first failure costs nothing: the next use tries at
 * once. From the second in a row there are pauses, each twice as long, by chance, so that many
 * callers do not come back at the same moment.
 */
export class ReconnectPause {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #longestMs: number;
  #failures = 0;
  #untilMs = 0;

  constructor(clock: Clock, random: Random, firstMs: number, longestMs: number) {
    this.#clock = clock;
    this.#random = random;
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
  }

  get isOver(): boolean {
    return this.#failures < 2 || this.#clock.monotonicMs() >= this.#untilMs;
  }

  connected(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < 2) return;
    // The exponent stays small: the pause has long been at its longest.
    const pauseMs = Math.min(
      this.#longestMs,
      this.#firstMs * 2 ** Math.min(30, this.#failures - 2),
    );
    this.#untilMs = this.#clock.monotonicMs() + (pauseMs * (1 + this.#random.float())) / 2;
  }
}
