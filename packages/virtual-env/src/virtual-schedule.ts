import type { Schedule } from '@d-engine/base';
import type { Kernel } from './kernel.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Rounds of one life's event loop, which now and then stands still. */
export class VirtualSchedule implements Schedule {
  readonly #kernel: Kernel;
  readonly #life: Life;
  readonly #random: SeededRandom;
  readonly #stall: (ms: number) => void;

  constructor(kernel: Kernel, life: Life, random: SeededRandom, stall: (ms: number) => void) {
    this.#kernel = kernel;
    this.#life = life;
    this.#random = random;
    this.#stall = stall;
  }

  afterPoll(callback: () => void): void {
    if (!this.#life.alive) return;
    const { afterPollDelayMs, stallMs } = this.#kernel.options.schedule;
    const delay = this.#random.between(afterPollDelayMs.min, afterPollDelayMs.max);
    if (this.#random.chance(this.#kernel.mishaps.stallProbability)) {
      this.#stall(this.#random.between(stallMs.min, stallMs.max));
    }
    // A later sequence number: at the same time, all that is due already comes first.
    this.#kernel.post(delay, this.#life, () => {
      this.#kernel.trace.record('poll', this.#life.gate.host, '');
      callback();
    });
  }
}
