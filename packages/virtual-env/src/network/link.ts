import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { Range } from '../options.ts';
import type { SeededRandom } from '../seeded-random.ts';

/** Why nothing gets through a link. */
export const linkBlockers = { cut: 1, sourceAsleep: 2, targetAsleep: 4 } as const;

/** A host, as far as a link goes. */
export interface LinkEnd {
  readonly name: string;
}

export const noDelay: Range = { min: 0, max: 0 };

/** What came to a link so far while something was wrong with it. */
export interface LinkCounters {
  /** Found it closed when it would have arrived: by a cut, or by an end that was asleep. */
  readonly held: number;
  /** Was sent while it was clogged. */
  readonly clogged: number;
}

interface Held {
  readonly life: Life | undefined;
  readonly action: () => void;
}

/**
 * The way from one host to another. What arrives while it is blocked is held, as TCP holds it by
 * sending again: it comes through when the link opens, unless its connection was given up.
 */
export class Link {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  clogMs: Range = noDelay;
  readonly #kernel: Kernel;
  readonly #random: SeededRandom;
  readonly #latencyMs: Range;
  #blockers = 0;
  #epoch = 0;
  #held: Held[] = [];
  readonly #counters = { held: 0, clogged: 0 };

  constructor(kernel: Kernel, from: LinkEnd, to: LinkEnd) {
    const network = kernel.options.network;
    this.from = from;
    this.to = to;
    this.#kernel = kernel;
    this.#random = kernel.random.fork(`link ${from.name} ${to.name}`);
    this.#latencyMs = from === to ? network.loopbackLatencyMs : network.latencyMs;
  }

  get counters(): LinkCounters {
    return { ...this.#counters };
  }

  get open(): boolean {
    return this.#blockers === 0;
  }

  /** Changes whenever the link opens or closes. */
  get epoch(): number {
    return this.#epoch;
  }

  /** True when this one closed it. */
  block(blocker: number): boolean {
    const wasOpen = this.open;
    this.#blockers |= blocker;
    if (wasOpen) this.#epoch += 1;
    return wasOpen;
  }

  unblock(blocker: number): void {
    if (this.open) return;
    this.#blockers &= ~blocker;
    if (!this.open) return;
    this.#epoch += 1;
    const held = this.#held;
    this.#held = [];
    for (const { life, action } of held) this.transmit(0, life, action);
  }

  /** Runs `action` at the other end, as `life` there, once `bytes` have got through. */
  transmit(bytes: number, life: Life | undefined, action: () => void, extraMs = 0): void {
    const transferMs = bytes / this.#kernel.options.network.bytesPerMs;
    if (this.clogMs.max > 0) this.#counters.clogged += 1;
    const delayMs = this.drawLatencyMs() + transferMs + extraMs;
    this.#kernel.post(delayMs, life, () => {
      if (this.open) return action();
      this.#counters.held += 1;
      this.#held.push({ life, action });
    });
  }

  drawLatencyMs(): number {
    const latency = this.#random.between(this.#latencyMs.min, this.#latencyMs.max);
    if (this.clogMs.max === 0) return latency;
    return latency + this.#random.between(this.clogMs.min, this.clogMs.max);
  }

  /** Upper bound of {@link drawLatencyMs} as things stand. */
  get latencyMsMax(): number {
    return this.#latencyMs.max + this.clogMs.max;
  }

  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  integer(bound: number): number {
    return this.#random.integer(bound);
  }

  drawBetween(range: Range): number {
    return this.#random.between(range.min, range.max);
  }
}
