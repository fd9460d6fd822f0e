/** What is due at a tick. */
export type KeepAliveStep = 'nothing' | 'ask' | 'give up';

/**
 * Finds out that a peer is gone although its connection stands: a host that lost power or a cut
 * cable sends nothing, and TCP itself takes minutes to notice. Any byte is a sign of life.
 */
export class KeepAlive {
  readonly #intervalTicks: number;
  readonly #timeoutTicks: number;
  #silentTicks = 0;

  constructor(intervalTicks: number, timeoutTicks: number) {
    this.#intervalTicks = intervalTicks;
    this.#timeoutTicks = timeoutTicks;
  }

  heard(): void {
    this.#silentTicks = 0;
  }

  /** `wanted`: while nothing is open, nobody misses the peer. */
  tick(wanted: boolean): KeepAliveStep {
    if (!wanted) {
      this.#silentTicks = 0;
      return 'nothing';
    }
    this.#silentTicks += 1;
    if (this.#silentTicks === this.#intervalTicks) return 'ask';
    return this.#silentTicks >= this.#intervalTicks + this.#timeoutTicks ? 'give up' : 'nothing';
  }
}
