import type { VirtualWorld } from '@d-engine/virtual-env';

/** How far virtual time goes for one step of an iteration that nothing may ever follow. */
const stepMs = 1_000;
/** No operation waits longer: members have deadlines. */
const limitMs = 600_000;

/**
 * Lets virtual time pass while somebody waits for something. Several may wait at once; time passes
 * for all of them together.
 */
export class TimeDriver {
  readonly #world: VirtualWorld;
  readonly #waiting = new Set<Promise<unknown>>();
  #running: Promise<void> | undefined;

  constructor(world: VirtualWorld) {
    this.#world = world;
  }

  /** Time passes until the promise settles. */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    const done = (): void => void this.#waiting.delete(promise);
    this.#waiting.add(promise);
    promise.then(done, done);
    while (this.#waiting.has(promise)) await this.#drive();
    return promise;
  }

  async untilTrue(condition: () => boolean, giveUpMs: number): Promise<boolean> {
    while (this.#running !== undefined) await this.#running;
    return this.#claim(() => this.#world.run({ until: condition, limitMs: giveUpMs }));
  }

  async advance(ms: number): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#claim(() => this.#world.run({ forMs: ms }));
  }

  /** Each step gets some time to happen; then it waits for the time that others let pass. */
  async *items(source: AsyncIterable<unknown>): AsyncGenerator<unknown, void, undefined> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = iterator.next();
        let isSettled = false;
        const note = (): void => {
          isSettled = true;
        };
        next.then(note, note);
        await this.untilTrue(() => isSettled, stepMs);
        const result = await next;
        if (result.done === true) return;
        yield result.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** One run at a time, for all who wait when it starts and who come meanwhile. */
  async #drive(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    await this.#claim(() => this.#world.run({ until: () => this.#waiting.size === 0, limitMs }));
  }

  async #claim<Value>(run: () => Promise<Value>): Promise<Value> {
    const running = run();
    const ended = running.then(
      () => undefined,
      () => undefined,
    );
    this.#running = ended;
    try {
      return await running;
    } finally {
      this.#running = undefined;
    }
  }
}
