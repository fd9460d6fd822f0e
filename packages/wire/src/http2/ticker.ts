import type { Clock, Timer } from '@d-engine/base';

export interface Ticking {
  onTick(): void;
}

/**
 * One timer for all connections of a network. Times are counted in its ticks: a process that stood
 * still counts one, and reads what came meanwhile before the next, so nobody is judged for silence
 * that was its own. It runs only while there is something to look at.
 */
export class Ticker {
  readonly periodMs: number;
  readonly #clock: Clock;
  readonly #items: Set<Ticking> = new Set();
  #timer: Timer | undefined;

  constructor(clock: Clock, periodMs: number) {
    this.#clock = clock;
    this.periodMs = periodMs;
  }

  /** The ticks after which at least `ms` have passed. */
  ticksOf(ms: number): number {
    return Math.ceil(ms / this.periodMs) + 1;
  }

  add(item: Ticking): void {
    this.#items.add(item);
    this.#timer ??= this.#clock.setTimer(this.periodMs, () => this.#tick());
  }

  delete(item: Ticking): void {
    this.#items.delete(item);
    if (this.#items.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tick(): void {
    this.#timer = this.#clock.setTimer(this.periodMs, () => this.#tick());
    for (const item of this.#items) item.onTick();
  }
}
