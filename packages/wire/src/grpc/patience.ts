/** Of each attempt over the one before: a third one of 20 ms has 320. */
const growth = 4;
const factorMax = 1_024;

/**
 * How long a peer may take. One that is only slow, since its machine is busy, would never be
 * reached by attempts that are all cut off after the same time: each that ran out of time leaves
 * more to the next one.
 */
export class Patience {
  readonly #longestMs: number;
  #factor = 1;

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** Of a time that is meant for a peer with nothing else to do. */
  extend(timeoutMs: number): number {
    return Math.max(timeoutMs, Math.min(timeoutMs * this.#factor, this.#longestMs));
  }

  ranOut(): void {
    this.#factor = Math.min(factorMax, this.#factor * growth);
  }

  answered(): void {
    this.#factor = 1;
  }
}
