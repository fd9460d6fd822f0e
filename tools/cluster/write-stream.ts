import { performance } from 'node:perf_hooks';
import type { ClientApi, KeyValue } from 'd-engine/client';
import { DEngineError } from 'd-engine/client';

/** What became of the writes of one key: values are counted up, so the last one tells the story. */
export interface KeyRecord {
  readonly key: string;
  /** The last value whose write was acknowledged; 0 when none was. */
  acknowledged: number;
  acknowledgedCount: number;
  /** Values whose outcome nobody knows, newer than `acknowledged`. */
  inDoubt: number[];
  /** All values whose outcome nobody knew, also where a later one was acknowledged. */
  readonly everInDoubt: number[];
}

/**
 * Writers that count up one key each, never two writes of a key at a time. What the cluster
 * acknowledged must be read back; what is in doubt may be there or not.
 *
 * Every other writer ends at its first failure: its key keeps what was acknowledged last before a
 * crash. On the other keys later writes cover up what a crash took; there the number of writes
 * that the key went through tells.
 */
export class WriteStream {
  readonly records: readonly KeyRecord[];
  acknowledgedCount = 0;
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
      acknowledgedCount: 0,
      inDoubt: [],
      everInDoubt: [],
    }));
    this.#writers = this.records.map((record, index) => this.#write(record, index % 2 === 1));
  }

  async #write(record: KeyRecord, endsAtFailure: boolean): Promise<void> {
    let value = 0;
    while (this.#running) {
      value += 1;
      try {
        await this.#client.put(record.key, String(value));
        record.acknowledged = value;
        record.acknowledgedCount += 1;
        record.inDoubt = [];
        this.#countAcknowledged();
      } catch (error) {
        if (!(error instanceof DEngineError)) throw error;
        if (error.mayHaveBeenApplied) {
          record.inDoubt.push(value);
          record.everInDoubt.push(value);
        } else this.refusedCount += 1;
        if (endsAtFailure) return;
      }
    }
  }

  #countAcknowledged(): void {
    const now = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.#lastAcknowledgedAtMs);
    this.#lastAcknowledgedAtMs = now;
    this.acknowledgedCount += 1;
  }

  /** Every write that was in doubt when it ended, as `key=value`. */
  get everInDoubt(): string[] {
    return this.records.flatMap(({ key, everInDoubt }) =>
      everInDoubt.map((value) => `${key}=${value}`),
    );
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
    for (const record of this.records) {
      const options = { consistency: 'linearizable', deadlineMs: 10_000 } as const;
      const problem = judge(record, await client.get(record.key, options));
      if (problem !== undefined) problems.push(`${record.key}: ${problem}`);
    }
    return problems;
  }
}

function judge(record: KeyRecord, found: KeyValue | null): string | undefined {
  const { acknowledged, acknowledgedCount, inDoubt, everInDoubt } = record;
  const value = found === null ? 0 : Number(Buffer.from(found.value).toString());
  if (![acknowledged, ...inDoubt].includes(value)) {
    return `acknowledged ${acknowledged}, in doubt [${inDoubt.join()}], read ${value}`;
  }
  const writes = found?.version ?? 0;
  const writesMax = acknowledgedCount + everInDoubt.length;
  if (writes >= acknowledgedCount && writes <= writesMax) return undefined;
  return `${acknowledgedCount} to ${writesMax} writes, the key went through ${writes}`;
}
