import { performance } from 'node:perf_hooks';
import type { ClientApi } from 'd-engine/client';
import { DEngineError } from 'd-engine/client';

/** What became of the writes of one key: values are counted up, so the last one tells the story. */
export interface KeyRecord {
  readonly key: string;
  /** The last value whose write was acknowledged; 0 when none was. */
  acknowledged: number;
  /** Values whose outcome nobody knows, newer than `acknowledged`. */
  inDoubt: number[];
}

/**
 * Writers that count up one key each, never two writes of a key at a time. What the cluster
 * acknowledged must be read back; what is in doubt may be there or not.
 */
export class WriteStream {
  readonly records: readonly KeyRecord[];
  acknowledgedCount = 0;
  /** Every write that was in doubt when it ended, as `key=value`, also where a later one stands. */
  readonly everInDoubt: string[] = [];
  refusedCount = 0;
  /** The longest time without any acknowledgement. */
  longestPauseMs = 0;
  #lastAcknowledgedAtMs = performance.now();
  #running = true;
  readonly #client: ClientApi;
  readonly #writers: Promise<void>[];

  constructor(client: ClientApi, keyPrefix: string, writers: number) {
    this.#client = client;
    this.records = Array.from({ length: writers }, (_, index) => ({
      key: `${keyPrefix}${index}`,
      acknowledged: 0,
      inDoubt: [],
    }));
    this.#writers = this.records.map((record) => this.#write(record));
  }

  async #write(record: KeyRecord): Promise<void> {
    let value = 0;
    while (this.#running) {
      value += 1;
      try {
        await this.#client.put(record.key, String(value));
        record.acknowledged = value;
        record.inDoubt = [];
        this.#countAcknowledged();
      } catch (error) {
        if (!(error instanceof DEngineError)) throw error;
        if (error.mayHaveBeenApplied) {
          record.inDoubt.push(value);
          this.everInDoubt.push(`${record.key}=${value}`);
        } else this.refusedCount += 1;
      }
    }
  }

  #countAcknowledged(): void {
    const now = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastAcknowledgedAtMs);
    this.#lastAcknowledgedAtMs = now;
    this.acknowledgedCount += 1;
  }

  /** Writes that are under way end first. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#writers);
  }

  /**
   * Reads every key back linearizably. Returns what is wrong: an acknowledged value that is gone,
   * or one that nobody wrote.
   */
  async verify(client: Pick<ClientApi, 'get'>): Promise<string[]> {
    const problems: string[] = [];
    for (const { key, acknowledged, inDoubt } of this.records) {
      const found = await client.get(key, { consistency: 'linearizable', deadlineMs: 10_000 });
      const value = found === null ? 0 : Number(Buffer.from(found.value).toString());
      const allowed = [acknowledged, ...inDoubt];
      if (!allowed.includes(value)) {
        problems.push(
          `${key}: acknowledged ${acknowledged}, in doubt [${inDoubt.join()}], read ${value}`,
        );
      }
    }
    return problems;
  }
}
