import type { Clock, Instant, Timer } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { HostClock } from './host-clock.ts';
import type { Kernel } from './kernel.ts';
import type { Life, ScheduledEvent } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';

const deadTimer: Timer = Object.freeze({ cancel: (): void => undefined });
/** Below this, what is left of a delay is rounding; waiting less might not advance a double. */
const waitMsMin = 1e-6;

/** The clock as one life of a host sees it. */
export class VirtualClock implements Clock {
  readonly #kernel: Kernel;
  readonly #life: Life;
  readonly #clock: HostClock;
  readonly #random: SeededRandom;

  constructor(kernel: Kernel, life: Life, clock: HostClock, random: SeededRandom) {
    this.#kernel = kernel;
    this.#life = life;
    this.#clock = clock;
    this.#random = random;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  now(): Instant {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    assert(!Number.isNaN(delayMs), 'a timer needs a delay');
    if (!this.#life.alive) return deadTimer;
    const { min, max } = this.#kernel.options.clock.timerLatenessMs;
    const lateness = max > 0 ? this.#random.between(min, max) : 0;
    const dueMs = this.#clock.monotonicMs() + Math.max(delayMs, 0);
    return new VirtualTimer(this.#kernel, this.#life, this.#clock, dueMs, lateness, callback);
  }
}

class VirtualTimer implements Timer {
  readonly #kernel: Kernel;
  readonly #life: Life;
  readonly #clock: HostClock;
  readonly #dueMs: number;
  readonly #callback: () => void;
  #event: ScheduledEvent;

  constructor(
    kernel: Kernel,
    life: Life,
    clock: HostClock,
    dueMs: number,
    latenessMs: number,
    callback: () => void,
  ) {
    this.#kernel = kernel;
    this.#life = life;
    this.#clock = clock;
    this.#dueMs = dueMs;
    this.#callback = callback;
    this.#event = this.#arm(latenessMs);
  }

  cancel(): void {
    this.#kernel.cancel(this.#event);
  }

  #arm(latenessMs: number): ScheduledEvent {
    const leftMs = this.#dueMs - this.#clock.monotonicMs();
    const delayMs = Math.max(this.#clock.virtualDelayMs(leftMs), 0) + latenessMs;
    return this.#kernel.post(delayMs, this.#life, () => this.#fire());
  }

  /** The clock may have slept or slowed down meanwhile: a timer is never early. */
  #fire(): void {
    if (this.#clock.monotonicMs() < this.#dueMs) {
      this.#event = this.#arm(waitMsMin);
      return;
    }
    this.#kernel.trace.record('timer', this.#life.gate.host, '');
    this.#callback();
  }
}
