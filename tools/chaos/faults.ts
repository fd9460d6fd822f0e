import { setTimeout as delay } from 'node:timers/promises';
import { Dice } from './dice.ts';
import type { Hosts, Place } from './hosts.ts';
import type { Nodes } from './nodes.ts';

export const processFaults = ['kill', 'killAll', 'killLeader', 'pause', 'stop'] as const;
export const networkFaults = ['cut', 'cutOneWay', 'isolateLeader', 'bridge'] as const;
/** Of the links between the clients and the nodes, not those among the nodes. */
export const clientFaults = ['cutClients', 'cutClientsOff', 'cutClientsOneWay'] as const;
export type FaultName =
  | (typeof processFaults)[number]
  | (typeof networkFaults)[number]
  | (typeof clientFaults)[number];

type Pair = readonly [Place, Place];

const aimedAtLeaders: ReadonlySet<FaultName> = new Set(['killLeader', 'isolateLeader']);
/** Too short, nobody would notice: the others had no time to miss a leader, nor clients a node. */
const lastingKinds: ReadonlySet<FaultName> = new Set([...aimedAtLeaders, ...clientFaults]);

/** From one fault to the next, an election and a graceful stop apart. */
const turnMsMax = 10_000;
/** What a short run has for one turn of each kind; the rest goes to what turns wait for. */
const turnsShare = 0.7;
const leaderPollMs = 100;

/**
 * Breaks processes, links among nodes and links of clients, each for a while, one of each sort at a
 * time, until it is told to rest. What it breaks follows from its seed. No kind comes again before
 * all others of its sort came, so that a short run has each of them as well.
 */
export class Faults {
  /** What was inflicted, by kind; 0 of those that did not come. */
  readonly counts: Map<FaultName, number> = new Map();
  readonly #nodes: Nodes;
  readonly #hosts: Hosts;
  readonly #durationMs: number;
  readonly #say: (line: string) => void;
  readonly #resting = new AbortController();
  readonly #lanes: Promise<void>[];

  constructor(options: {
    readonly nodes: Nodes;
    readonly hosts: Hosts;
    readonly seed: number;
    readonly durationMs: number;
    readonly say: (line: string) => void;
  }) {
    this.#nodes = options.nodes;
    this.#hosts = options.hosts;
    this.#durationMs = options.durationMs;
    this.#say = options.say;
    const { seed } = options;
    this.#lanes = [this.#lane(new Dice(seed), processFaults, 1)];
    const kinds = this.#hosts.canCut ? networkFaultsOf(this.#nodes.ids.length) : [];
    if (kinds.length > 0) this.#lanes.push(this.#lane(new Dice(seed + 1), kinds, 1));
    // Shorter, or the clients of a short run would hardly get to do anything.
    if (this.#hosts.canCut) this.#lanes.push(this.#lane(new Dice(seed + 2), clientFaults, 0.4));
  }

  /** Ends all faults: links healed, all nodes running. */
  async rest(): Promise<void> {
    this.#resting.abort();
    await Promise.all(this.#lanes);
    this.#hosts.heal();
    this.#nodes.startAll();
  }

  async #lane(dice: Dice, kinds: readonly FaultName[], length: number): Promise<void> {
    for (const kind of kinds) this.counts.set(kind, 0);
    const turnMs = Math.min(turnMsMax, (turnsShare * this.#durationMs) / kinds.length);
    let left: FaultName[] = [];
    for (;;) {
      await this.#wait(turnMs * dice.between(0.15, 0.5));
      if (left.length === 0) left = dice.shuffled(kinds);
      const kind = left.pop() as FaultName;
      const victim = await this.#victimOf(kind, dice);
      if (victim === undefined || this.#resting.signal.aborted) return;
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      const leastShare = lastingKinds.has(kind) ? 0.35 : 0.05;
      await this.#inflict(kind, victim, dice, turnMs * length * dice.between(leastShare, 0.5));
    }
  }

  /** Undefined only when the faults come to rest before there is one. */
  async #victimOf(kind: FaultName, dice: Dice): Promise<number | undefined> {
    if (!aimedAtLeaders.has(kind)) return dice.pick(this.#nodes.ids);
    while (!this.#resting.signal.aborted) {
      const leader = await this.#nodes.leader();
      if (leader !== undefined) return leader;
      await this.#wait(leaderPollMs);
    }
    return undefined;
  }

  async #inflict(kind: FaultName, victim: number, dice: Dice, lastsMs: number): Promise<void> {
    const { ids } = this.#nodes;
    const rest = ids.filter((id) => id !== victim);
    switch (kind) {
      case 'kill':
      case 'killLeader':
        return this.#kill([victim], lastsMs);
      case 'killAll':
        return this.#kill(ids, Math.min(lastsMs, 1_000));
      case 'pause':
        return this.#pause(victim, lastsMs);
      case 'stop':
        return this.#stop(victim, lastsMs);
      case 'cut':
        return this.#cut(pairsWith(victim, [dice.pick(rest)]), lastsMs);
      case 'cutOneWay':
        return this.#cut([[victim, dice.pick(rest)]], lastsMs);
      case 'isolateLeader':
        return this.#cut(pairsWith(victim, rest), lastsMs);
      case 'bridge': {
        // Two groups that share one member: with three nodes, two that reach only the third.
        const half = Math.floor(rest.length / 2);
        const [left, right] = [rest.slice(0, half), rest.slice(half)];
        return this.#cut(
          left.flatMap((id) => pairsWith(id, right)),
          lastsMs,
        );
      }
      case 'cutClients':
        return this.#cut(pairsWith('clients', [victim]), lastsMs);
      case 'cutClientsOff':
        return this.#cut(pairsWith('clients', ids), lastsMs);
      case 'cutClientsOneWay':
        return this.#cut([dice.pick(pairsWith('clients', [victim]))], lastsMs);
    }
  }

  async #kill(ids: readonly number[], downMs: number): Promise<void> {
    this.#say(`SIGKILL on ${ids.join(', ')}`);
    await Promise.all(ids.map((id) => this.#nodes.kill(id)));
    await this.#wait(downMs);
    for (const id of ids) this.#nodes.start(id);
  }

  async #pause(id: number, lastsMs: number): Promise<void> {
    this.#say(`SIGSTOP on ${id} for ${Math.round(lastsMs)} ms`);
    this.#nodes.pause(id);
    await this.#wait(lastsMs);
    this.#nodes.resume(id);
  }

  async #stop(id: number, downMs: number): Promise<void> {
    this.#say(`stop node ${id}`);
    await this.#nodes.stop(id);
    await this.#wait(downMs);
    this.#nodes.start(id);
  }

  async #cut(pairs: readonly Pair[], lastsMs: number): Promise<void> {
    this.#say(`cut ${pairs.map((pair) => pair.join('>')).join(' ')} for ${Math.round(lastsMs)} ms`);
    for (const [from, to] of pairs) this.#hosts.cut(from, to);
    await this.#wait(lastsMs);
    // Not those of the other lane.
    for (const [from, to] of pairs) this.#hosts.mend(from, to);
  }

  /** Ends early when the faults come to rest. */
  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#resting.signal }).catch(() => undefined);
  }
}

/** Those that this many nodes have links for. */
function networkFaultsOf(nodes: number): readonly FaultName[] {
  if (nodes < 2) return [];
  return networkFaults.filter((kind) => nodes > 2 || kind !== 'bridge');
}

/** Both ways between one place and some others. */
function pairsWith(place: Place, peers: readonly Place[]): Pair[] {
  return peers.flatMap((peer): Pair[] => [
    [place, peer],
    [peer, place],
  ]);
}
