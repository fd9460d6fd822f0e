import type { ClientApi, ReadResult } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import type { HistoryEntry, WriteOutcome } from './history.ts';
import type { Scenario } from './scenario.ts';

/** Where a client's next operation goes; undefined: nowhere right now. */
export type ClientPicker = (random: SeededRandom) => ClientApi | undefined;

/** A writer that never repeats a value, and a reader, at once. Its history is what is checked. */
export class VirtualClient {
  readonly #world: VirtualWorld;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #pick: ClientPicker;
  readonly #history: HistoryEntry[];
  readonly name: string;
  #sequence = 0;
  #stopped = false;

  constructor(options: {
    world: VirtualWorld;
    scenario: Scenario;
    name: string;
    pick: ClientPicker;
    history: HistoryEntry[];
  }) {
    this.#world = options.world;
    this.#scenario = options.scenario;
    this.name = options.name;
    this.#random = options.world.random(`client ${options.name}`);
    this.#pick = options.pick;
    this.#history = options.history;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#world.after(this.#random.float() * this.#scenario.thinkMsMax, () => {
      const client = this.#pick(this.#random);
      const key = `k${this.#random.integer(this.#scenario.keys)}`;
      const isRead = this.#random.chance(this.#scenario.readShare);
      const lease = this.#random.chance(0.5);
      if (client === undefined) return this.#schedule();
      const operation = isRead
        ? this.#read(client, key, lease ? 'lease' : 'linearizable')
        : this.#write(client, key);
      void operation.then(() => this.#schedule());
    });
  }

  async #write(client: ClientApi, key: string): Promise<void> {
    this.#sequence += 1;
    const value = `${this.name}-${this.#sequence}`;
    const invokedAtMs = this.#world.nowMs;
    // Recorded at once: if the member dies, no answer ever comes and the outcome stays unknown.
    const pending = { type: 'write', key, value, invokedAtMs, client: this.name } as const;
    const slot = this.#history.push({
      ...pending,
      settledAtMs: Number.POSITIVE_INFINITY,
      outcome: 'unknown',
      revision: undefined,
    });
    const record = (outcome: WriteOutcome, revision: number | undefined): void => {
      const settledAtMs = this.#world.nowMs;
      this.#history[slot - 1] = { ...pending, settledAtMs, outcome, revision };
    };
    try {
      const { revision } = await this.#bounded(client.put(key, value));
      record('acknowledged', revision);
    } catch (error) {
      if (error instanceof Lost) return;
      if (!(error instanceof DEngineError)) throw error;
      record(error.mayHaveBeenApplied ? 'unknown' : 'refused', undefined);
    }
  }

  async #read(
    client: ClientApi,
    key: string,
    consistency: 'linearizable' | 'lease',
  ): Promise<void> {
    const invokedAtMs = this.#world.nowMs;
    let result: ReadResult;
    try {
      result = await this.#bounded(client.read([key], { consistency }));
    } catch (error) {
      // A read that failed says nothing.
      if (error instanceof DEngineError || error instanceof Lost) return;
      throw error;
    }
    const found = result.entries[0] ?? null;
    this.#history.push({
      type: 'read',
      key,
      consistency,
      client: this.name,
      invokedAtMs,
      settledAtMs: this.#world.nowMs,
      value: found === null ? undefined : Buffer.from(found.value).toString(),
      modRevision: found?.modRevision,
      revision: result.revision,
    });
  }

  /** A promise of a process that died never settles: the client gives up on it. */
  #bounded<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      promise.then(resolve, reject);
      this.#world.after(clientPatienceMs, () => reject(new Lost()));
    });
  }
}

/** Longer than any server deadline: by then the member has died. */
const clientPatienceMs = 12_000;

class Lost extends Error {}
