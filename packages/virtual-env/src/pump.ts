import { assert, describeError } from '@d-engine/base';
import { afterMacrotask, afterTick, macrotaskEvery } from './drain.ts';
import type { Kernel } from './kernel.ts';
import type { ScheduledEvent } from './life.ts';

/** More events than this at one virtual time: something calls itself back without end. */
const eventsPerInstantMax = 1_000_000;

export type UncaughtHandler = (error: unknown, host: string) => void;

/** Takes events one by one and lets the promises that each sets off settle before the next. */
export class Pump {
  readonly #kernel: Kernel;
  #running = false;
  #events = 0;
  #lastHost: string | undefined;
  #instantMs = 0;
  #eventsOfInstant = 0;
  #onUncaught: UncaughtHandler | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Events whose action ran. */
  get events(): number {
    return this.#events;
  }

  /** Whose event ran last; undefined: one of the world, which may have touched every host. */
  get lastHost(): string | undefined {
    return this.#lastHost;
  }

  onUncaught(handler: UncaughtHandler | undefined): void {
    this.#onUncaught = handler;
  }

  /** Runs until `isDone` or until no event at or before `limitMs` is left. Says which. */
  async run(limitMs: number, isDone: () => boolean): Promise<boolean> {
    assert(!this.#running, 'the world runs already: await the run before the next');
    assert(limitMs >= this.#kernel.nowMs, () => `${limitMs} ms is in the past`);
    this.#running = true;
    try {
      return await this.#loop(limitMs, isDone);
    } finally {
      this.#running = false;
    }
  }

  /** Not an async function: a promise for each event would be a tenth of all that a run makes. */
  #loop(limitMs: number, isDone: () => boolean): Promise<boolean> {
    const drain = this.#kernel.options.drain === 'tick' ? afterTick : afterMacrotask;
    let untilMacrotask = macrotaskEvery;
    return new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          const outcome = this.#next(limitMs, isDone);
          if (outcome !== 'ran') return resolve(outcome === 'done');
        } catch (error) {
          return reject(error instanceof Error ? error : new Error(describeError(error)));
        }
        untilMacrotask -= 1;
        if (untilMacrotask > 0) return drain(step);
        untilMacrotask = macrotaskEvery;
        afterMacrotask(step);
      };
      // What the test did before this run settles first. The round of the real loop also brings
      // the pump into a microtask, where `afterTick` needs to be called from.
      afterMacrotask(step);
    });
  }

  /** Up to the next event that runs. */
  #next(limitMs: number, isDone: () => boolean): 'ran' | 'done' | 'over' {
    const queue = this.#kernel.queue;
    while (!isDone()) {
      const next = queue.peek();
      if (next === undefined || next.timeMs > limitMs) {
        if (limitMs < Infinity) this.#kernel.advanceTo(limitMs);
        return 'over';
      }
      queue.take();
      if (this.#perform(next)) return 'ran';
    }
    return 'done';
  }

  /** False when nothing ran, so that there is nothing to drain. */
  #perform(event: ScheduledEvent): boolean {
    if (event.action === undefined) return false;
    const life = event.life;
    if (life?.alive === false) return false;
    this.#kernel.advanceTo(event.timeMs);
    if (life?.gate.blocked === true) {
      life.gate.waiting.push(event);
      return false;
    }
    this.#count(event.timeMs);
    const action = event.action;
    event.action = undefined;
    this.#lastHost = life?.gate.host;
    try {
      action();
    } catch (error) {
      this.#uncaught(error, life?.gate.host ?? '');
    }
    return true;
  }

  #count(timeMs: number): void {
    this.#events += 1;
    if (timeMs !== this.#instantMs) {
      this.#instantMs = timeMs;
      this.#eventsOfInstant = 0;
    }
    this.#eventsOfInstant += 1;
    assert(this.#eventsOfInstant <= eventsPerInstantMax, () => `time stands still at ${timeMs} ms`);
  }

  #uncaught(error: unknown, host: string): void {
    this.#kernel.trace.record('uncaught', host, String(error));
    if (this.#onUncaught === undefined) throw error;
    this.#onUncaught(error, host);
  }
}
