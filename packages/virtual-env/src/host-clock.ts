import { assert } from '@d-engine/base';
import type { Kernel } from './kernel.ts';
import type { SeededRandom } from './seeded-random.ts';

/** The clocks of one machine: they outlive its processes. */
export class HostClock {
  readonly #kernel: Kernel;
  #rate: number;
  /** Local monotonic time at the virtual time from which the present rate counts. */
  #anchorLocalMs: number;
  #anchorVirtualMs: number;
  #wallOffsetMs: number;
  #asleep = false;

  constructor(kernel: Kernel, random: SeededRandom) {
    const { driftMax, wallOffsetMsMax } = kernel.options.clock;
    this.#kernel = kernel;
    this.#rate = 1 + random.between(-driftMax, driftMax);
    this.#wallOffsetMs = random.between(-wallOffsetMsMax, wallOffsetMsMax);
    // Unrelated to the time of day, and another one on each host.
    this.#anchorLocalMs = random.between(1_000, 10_000_000);
    this.#anchorVirtualMs = kernel.nowMs;
  }

  monotonicMs(): number {
    return this.#anchorLocalMs + (this.#kernel.nowMs - this.#anchorVirtualMs) * this.#rate;
  }

  /** Whole milliseconds, as Date.now has them. */
  wallMs(): number {
    return Math.floor(this.#kernel.options.startWallMs + this.#kernel.nowMs + this.#wallOffsetMs);
  }

  /** The virtual time that `localMs` of the monotonic clock take. */
  virtualDelayMs(localMs: number): number {
    return localMs / this.#rate;
  }

  /** Local milliseconds per virtual one; 1.01 is a clock that is one percent fast. */
  setRate(rate: number): void {
    assert(rate > 0 && rate < Infinity, () => `a clock cannot run at rate ${rate}`);
    // The anchor of a sleep stays where the sleep began: its end may take all of it back.
    if (!this.#asleep) this.#anchor();
    this.#rate = rate;
  }

  sleep(): void {
    this.#anchor();
    this.#asleep = true;
  }

  /** `forget`: the monotonic clock did not see the sleep. */
  wake(forget: boolean): void {
    this.#asleep = false;
    if (forget) this.#anchorVirtualMs = this.#kernel.nowMs;
  }

  #anchor(): void {
    this.#anchorLocalMs = this.monotonicMs();
    this.#anchorVirtualMs = this.#kernel.nowMs;
  }

  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }
}
