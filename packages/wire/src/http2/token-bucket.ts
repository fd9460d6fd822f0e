/**
 * How often a peer may do something: `burst` times at once, `perSecond` from then on. What counts
 * as useful work earns tokens back.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #perTick: number;
  #tokens: number;

  constructor(rate: { readonly burst: number; readonly perSecond: number }, tickMs: number) {
    this.#burst = rate.burst;
    this.#perTick = (rate.perSecond * tickMs) / 1000;
    this.#tokens = rate.burst;
  }

  /** False: the peer has used up what it had. */
  spend(): boolean {
    this.#tokens -= 1;
    return this.#tokens >= 0;
  }

  earn(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }

  tick(): void {
    this.earn(this.#perTick);
  }
}
