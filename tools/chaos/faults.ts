import { setTimeout as delay } from 'node:timers/promises';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import { Dice } from './dice.ts';
import type { Hosts } from './hosts.ts';

export const processFaults = ['kill', 'killAll', 'killLeader', 'pause', 'stop'] as const;
export const networkFaults = ['cut', 'cutOneWay', 'isolateLeader', 'bridge'] as const;
export type FaultName = (typeof processFaults)[number] | (typeof networkFaults)[number];

/**
 * Breaks processes and links, each for a while, one of either kind at a time, until it is told to
 * rest. What it breaks follows from its seed.
 */
export class Faults {
  readonly counts: Map<FaultName, number> = new Map();
  /** How often each node was started. */
  readonly starts: Map<number, number> = new Map();
  readonly #cluster: LocalCluster;
  readonly #hosts: Hosts;
  readonly #say: (line: string) => void;
  readonly #resting = new AbortController();
  readonly #lanes: Promise<void>[];

  constructor(options: {
    readonly cluster: LocalCluster;
    readonly hosts: Hosts;
    readonly seed: number;
    readonly say: (line: string) => void;
  }) {
    this.#cluster = options.cluster;
    this.#hosts = options.hosts;
    this.#say = options.say;
    const { seed } = options;
    this.#lanes = [this.#lane(new Dice(seed), processFaults)];
    if (this.#hosts.canCut && this.#cluster.ids.length > 1) {
      this.#lanes.push(this.#lane(new Dice(seed + 1), networkFaults));
    }
  }

  startOf(id: number): string {
    return `node ${id} start ${this.starts.get(id) ?? 1}`;
  }

  /** Ends all faults: links healed, all nodes running. */
  async rest(): Promise<void> {
    this.#resting.abort();
    await Promise.all(this.#lanes);
    this.#hosts.heal();
    for (const id of this.#cluster.ids) this.#start(id);
  }

  async #lane(dice: Dice, kinds: readonly FaultName[]): Promise<void> {
    while (!this.#resting.signal.aborted) {
      await this.#wait(dice.between(500, 4_000));
      if (this.#resting.signal.aborted) return;
      const kind = dice.pick(kinds);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      await this.#inflict(kind, dice);
    }
  }

  async #inflict(kind: FaultName, dice: Dice): Promise<void> {
    const { ids } = this.#cluster;
    const victim = dice.pick(ids);
    const lastsMs = dice.between(200, 5_000);
    switch (kind) {
      case 'kill':
        return this.#kill([victim], lastsMs);
      case 'killAll':
        return this.#kill(ids, Math.min(lastsMs, 1_000));
      case 'killLeader':
        return this.#kill([(await this.#leader()) ?? victim], lastsMs);
      case 'pause':
        return this.#pause(victim, lastsMs);
      case 'stop':
        this.#say(`stop node ${victim}`);
        await this.#cluster.stop(victim);
        await this.#wait(lastsMs);
        return this.#start(victim);
      case 'cut':
        return this.#cut(pairsWith(victim, [dice.pick(others(ids, victim))]), lastsMs);
      case 'cutOneWay': {
        const other = dice.pick(others(ids, victim));
        return this.#cut([[victim, other]], lastsMs);
      }
      case 'isolateLeader': {
        const leader = (await this.#leader()) ?? victim;
        return this.#cut(pairsWith(leader, others(ids, leader)), lastsMs);
      }
      case 'bridge': {
        // Two groups that share one member: with three nodes, two that reach only the third.
        const rest = others(ids, victim);
        const half = Math.floor(rest.length / 2);
        const [left, right] = [rest.slice(0, half), rest.slice(half)];
        return this.#cut(
          left.flatMap((id) => pairsWith(id, right)),
          lastsMs,
        );
      }
    }
  }

  async #leader(): Promise<number | undefined> {
    const statuses = await Promise.all(
      this.#cluster.runningIds().map((id) => this.#cluster.status(id)),
    );
    return statuses.find((status) => status?.role === 'leader')?.node_id;
  }

  async #kill(ids: readonly number[], downMs: number): Promise<void> {
    this.#say(`SIGKILL on ${ids.join(', ')}`);
    await Promise.all(ids.map((id) => this.#cluster.kill(id)));
    await this.#wait(downMs);
    for (const id of ids) this.#start(id);
  }

  async #pause(id: number, lastsMs: number): Promise<void> {
    this.#say(`SIGSTOP on ${id} for ${Math.round(lastsMs)} ms`);
    this.#cluster.process(id).signal('SIGSTOP');
    await this.#wait(lastsMs);
    this.#cluster.process(id).signal('SIGCONT');
  }

  #start(id: number): void {
    if (this.#cluster.process(id).isRunning) return;
    this.starts.set(id, (this.starts.get(id) ?? 1) + 1);
    this.#cluster.start(id);
  }

  async #cut(pairs: readonly (readonly [number, number])[], lastsMs: number): Promise<void> {
    this.#say(`cut ${pairs.map((pair) => pair.join('>')).join(' ')} for ${Math.round(lastsMs)} ms`);
    for (const [from, to] of pairs) this.#hosts.cut(from, to);
    await this.#wait(lastsMs);
    this.#hosts.heal();
  }

  /** Ends early when the faults come to rest. */
  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#resting.signal }).catch(() => undefined);
  }
}

function others(ids: readonly number[], id: number): readonly number[] {
  return ids.filter((each) => each !== id);
}

/** Both ways between one node and some others. */
function pairsWith(id: number, peers: readonly number[]): (readonly [number, number])[] {
  return peers.flatMap((peer): (readonly [number, number])[] => [
    [id, peer],
    [peer, id],
  ]);
}
