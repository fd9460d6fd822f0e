import type { ClientApi, KeyValue, ReadResult } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import type { HistoryEntry, ReadOperation, WriteOutcome } from './history.ts';
import type { Scenario } from './scenario.ts';

/** Where a client's next operation goes; undefined: nowhere right now. */
export type ClientPicker = (random: SeededRandom) => ClientApi | undefined;

/** Longer than any server deadline: by then the member has died. */
const clientPatienceMs = 12_000;

/** A writer that never repeats a value, and a reader, at once. Its history is what is checked. */
export class VirtualClient {
  readonly name: string;
  readonly #world: VirtualWorld;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly #pick: ClientPicker;
  readonly #history: HistoryEntry[];
  /** What this client saw last of each key: the expected value of its next swap. */
  readonly #seen = new Map<string, string | null>();
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
      const isSwap = this.#random.chance(this.#scenario.swapShare);
      const lease = this.#random.chance(0.5);
      if (client === undefined) return this.#schedule();
      const operation = isRead
        ? this.#read(client, key, lease ? 'lease' : 'linearizable')
        : this.#write(client, key, isSwap);
      operation.then(
        () => this.#schedule(),
        (error: unknown) => {
          // A defect: the world tells of it as of any other.
          this.#world.after(0, () => {
            throw error;
          });
        },
      );
    });
  }

  async #write(client: ClientApi, key: string, isSwap: boolean): Promise<void> {
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
      if (outcome === 'acknowledged') this.#seen.set(key, value);
    };
    try {
      if (isSwap) await this.#swap(client, key, value, invokedAtMs, record);
      else record('acknowledged', (await this.#bounded(client.put(key, value))).revision);
    } catch (error) {
      if (error instanceof Lost) return;
      if (!(error instanceof DEngineError)) throw error;
      record(error.mayHaveBeenApplied ? 'unknown' : 'refused', undefined);
    }
  }

  /**
   * A swap that worked saw what it expected; one that failed wrote nothing, and says what it saw.
   */
  async #swap(
    client: ClientApi,
    key: string,
    value: string,
    invokedAtMs: number,
    record: (outcome: WriteOutcome, revision: number | undefined) => void,
  ): Promise<void> {
    const expected = this.#seen.get(key) ?? null;
    const result = await this.#bounded(client.compareAndSwap(key, expected, value));
    const { succeeded, revision } = result;
    const current = result.current === null ? null : Buffer.from(result.current).toString();
    const saw = succeeded ? expected : current;
    record(succeeded ? 'acknowledged' : 'refused', succeeded ? revision : undefined);
    if (!succeeded) this.#seen.set(key, current);
    this.#saw(key, 'swap', invokedAtMs, { value: saw ?? undefined, revision });
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
    const value = textOf(found);
    this.#seen.set(key, value ?? null);
    const { revision } = result;
    this.#saw(key, consistency, invokedAtMs, { value, revision, modRevision: found?.modRevision });
  }

  #saw(
    key: string,
    consistency: ReadOperation['consistency'],
    invokedAtMs: number,
    seen: {
      readonly value: string | undefined;
      readonly revision: number;
      readonly modRevision?: number | undefined;
    },
  ): void {
    const settledAtMs = this.#world.nowMs;
    const { value, revision, modRevision } = seen;
    const times = { invokedAtMs, settledAtMs, client: this.name };
    this.#history.push({ type: 'read', key, consistency, ...times, value, modRevision, revision });
  }

  /** A promise of a process that died never settles: the client gives up on it. */
  #bounded<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let settled = false;
      promise.then(resolve, reject).finally(() => {
        settled = true;
      });
      this.#world.after(clientPatienceMs, () => {
        if (!settled) reject(new Lost());
      });
    });
  }
}

export function textOf(found: KeyValue | null): string | undefined {
  return found === null ? undefined : Buffer.from(found.value).toString();
}

class Lost extends Error {}
