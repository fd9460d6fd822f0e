import { assert } from '@d-engine/base';
import { EventQueue } from './event-queue.ts';
import type { Life, ScheduledEvent } from './life.ts';
import type { NetworkOptions, ScheduleOptions, WorldOptions } from './options.ts';
import { SeededRandom } from './seeded-random.ts';
import { Trace } from './trace.ts';

/** What networks and event loops do without being told to. */
type Mishaps = Pick<NetworkOptions, 'resetProbability' | 'unreliableStreams'> &
  Pick<ScheduleOptions, 'stallProbability'> & { readonly pieceLossProbability: number };

/** What all parts of a world share: its time, its queue of events, its seed and its trace. */
export class Kernel {
  readonly options: WorldOptions;
  /** Only ever forked: a draw from it would tie unrelated parts together. */
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly queue: EventQueue = new EventQueue();
  #nowMs = 0;
  #mishaps: Mishaps;

  constructor(seed: number | string, options: WorldOptions) {
    this.options = options;
    const { lossProbability: pieceLossProbability } = options.network.byteStreams;
    this.#mishaps = { ...options.network, ...options.schedule, pieceLossProbability };
    this.random = new SeededRandom(seed);
    this.trace = new Trace(() => this.#nowMs);
  }

  /** Virtual time: true time, which no host can see. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get mishaps(): Mishaps {
    return this.#mishaps;
  }

  endMishaps(): void {
    this.#mishaps = {
      resetProbability: 0,
      unreliableStreams: null,
      stallProbability: 0,
      pieceLossProbability: 0,
    };
  }

  advanceTo(timeMs: number): void {
    assert(timeMs >= this.#nowMs, () => `time goes back from ${this.#nowMs} to ${timeMs}`);
    this.#nowMs = timeMs;
  }

  /** Runs `action` once, `delayMs` from now, if `life` still lasts then. */
  post(delayMs: number, life: Life | undefined, action: () => void): ScheduledEvent {
    assert(delayMs >= 0 && delayMs < Infinity, () => `cannot wait for ${delayMs} ms`);
    return this.queue.add(this.#nowMs + delayMs, life, action);
  }

  cancel(event: ScheduledEvent): void {
    this.queue.cancel(event);
  }
}
