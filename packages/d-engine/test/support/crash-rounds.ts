import { performance } from 'node:perf_hooks';
import type { ClientApi } from 'd-engine/client';
import { expect } from 'vitest';
import type { LocalCluster } from '../../../../tools/cluster/local-cluster.ts';
import { WriteStream } from '../../../../tools/cluster/write-stream.ts';
import { electionTimeoutMaxMs, say } from './cluster-kit.ts';
import { HttpReader } from './http-store.ts';

const writers = 16;
/** Acknowledged before the crash, and again with the new leader. */
const acknowledgedBefore = 1_000;
const acknowledgedAfter = 200;

/** What one round leaves behind: its keys must hold until the last round's end. */
interface Round {
  readonly number: number;
  readonly stream: WriteStream;
}

/**
 * Rounds of: write, crash in the middle of it, elect, write on, bring everybody back, and read
 * every key of this and all earlier rounds linearizably.
 */
export class CrashRounds {
  readonly #cluster: LocalCluster;
  readonly #client: ClientApi;
  readonly #rounds: Round[] = [];
  readonly electionsMs: number[] = [];

  constructor(cluster: LocalCluster, client: ClientApi) {
    this.#cluster = cluster;
    this.#client = client;
  }

  /** `crash` ends processes; `revive` starts what must run before there can be a leader. */
  async run(hooks: {
    /** Whom `crash` ends, for the report. */
    readonly victims: string;
    readonly crash: (leader: number) => Promise<void>;
    readonly revive: () => void;
  }): Promise<void> {
    const cluster = this.#cluster;
    const number = this.#rounds.length + 1;
    await cluster.waitUntilSettled();
    const stream = new WriteStream(this.#client, `round-${number}/`, writers);
    this.#rounds.push({ number, stream });
    const before = await this.#acknowledged(stream, acknowledgedBefore);
    const leader = await cluster.waitForLeader();
    const crashedAtMs = performance.now();
    await hooks.crash(leader.node_id);
    hooks.revive();
    const next = await cluster.waitForLeader({ afterTerm: leader.term });
    const electionMs = Math.round(performance.now() - crashedAtMs);
    this.electionsMs.push(electionMs);
    await this.#acknowledged(stream, stream.acknowledgedCount + acknowledgedAfter);
    this.#startTheDead();
    const settled = await cluster.waitUntilSettled();
    await stream.stop();
    say(
      `round ${number}: ${before} writes acknowledged, then SIGKILL on ${hooks.victims} (leader ` +
        `${leader.node_id}); node ${next.node_id} leads after ${electionMs} ms; ` +
        `${stream.acknowledgedCount} ` +
        `acknowledged in all; in doubt ${listed(stream.everInDoubt)}`,
    );
    expect(settled.term).toBeGreaterThanOrEqual(next.term);
    expect(electionMs).toBeLessThan(5 * electionTimeoutMaxMs);
    expect(await this.#problems(leader.node_id)).toEqual([]);
  }

  /** Every member's own copy, once all have applied the same. */
  async expectEqualCopies(): Promise<void> {
    await this.#cluster.waitUntilSettled();
    for (const id of this.#cluster.ids) {
      const reader = new HttpReader(this.#cluster.address(id));
      const own = { get: (key: Uint8Array | string) => reader.get(key, eventual) };
      for (const { stream } of this.#rounds) expect(await stream.verify(own)).toEqual([]);
    }
  }

  #startTheDead(): void {
    const alive = this.#cluster.runningIds();
    for (const id of this.#cluster.ids) if (!alive.includes(id)) this.#cluster.start(id);
  }

  async #acknowledged(stream: WriteStream, count: number): Promise<number> {
    return this.#cluster.waitFor(`${count} acknowledged writes`, 60_000, () =>
      stream.acknowledgedCount >= count ? stream.acknowledgedCount : undefined,
    );
  }

  /** This round's keys are also read through the member that came back. */
  async #problems(revived: number): Promise<string[]> {
    const problems: string[] = [];
    for (const { number, stream } of this.#rounds) {
      const found = await stream.verify(this.#client);
      problems.push(...found.map((problem) => `round ${number}: ${problem}`));
    }
    const back = new HttpReader(this.#cluster.address(revived));
    const found = await this.#rounds.at(-1)?.stream.verify(back);
    problems.push(...(found ?? []).map((problem) => `through node ${revived}: ${problem}`));
    return problems;
  }
}

/** `2: 5=70 7=71`, the keys without the prefix that all of a round share. */
function listed(writes: readonly string[]): string {
  const short = writes.map((write) => write.slice(write.indexOf('/') + 1));
  return short.length === 0 ? 'none' : `${short.length}: ${short.join(' ')}`;
}

const eventual = { consistency: 'eventual' } as const;
