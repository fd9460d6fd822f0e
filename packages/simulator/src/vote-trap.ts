import type { NodeId } from '@d-engine/base';
import type { SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import type { Harm, Harms } from './faults/harms.ts';
import { cutsBetween } from './faults/harms.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

type Phase =
  | { readonly type: 'waiting' }
  /** The leader was killed and is back, silent; the two others will want its vote. */
  | { readonly type: 'campaigns'; readonly voter: NodeId; first: NodeId | undefined }
  /** Two candidates in one term; the disk of `second` keeps its requests back. */
  | { readonly type: 'vote'; readonly voter: NodeId; readonly first: NodeId };

/**
 * Plays the accident that a durable vote prevents, again and again: two candidates in one term, the
 * voter elects the first and is killed right after, and once it may vote again the request of the
 * second one arrives. Random faults hardly ever get this far.
 */
export class VoteTrap {
  readonly #world: VirtualWorld;
  readonly #cluster: VirtualCluster;
  readonly #harms: Harms;
  readonly #timeoutMs: number;
  readonly #random: SeededRandom;
  #phase: Phase = { type: 'waiting' };
  #resting = false;
  /** Its own, of the accident that it plays now. */
  #begun: readonly Harm[] = [];
  /** How often the second candidate asked after the voter had come back. */
  sprung = 0;

  constructor(world: VirtualWorld, cluster: VirtualCluster, harms: Harms, scenario: Scenario) {
    this.#world = world;
    this.#cluster = cluster;
    this.#harms = harms;
    this.#timeoutMs = scenario.electionTimeoutMinMs;
    this.#random = world.random('vote trap');
  }

  start(): void {
    this.#world.after(this.#timeoutMs * (2 + 4 * this.#random.float()), () => {
      if (this.#resting) return;
      if (this.#phase.type === 'waiting') this.#killLeader();
      else this.#reset();
      this.start();
    });
  }

  rest(): void {
    this.#resting = true;
    this.#reset();
  }

  /** Looks at the members; after every event. */
  step(): void {
    const phase = this.#phase;
    if (phase.type === 'campaigns') this.#watchCampaigns(phase);
    else if (phase.type === 'vote') this.#watchVote(phase);
  }

  #killLeader(): void {
    const leader = this.#cluster.leader?.settings.nodeId;
    if (leader === undefined || this.#cluster.nodes.length < this.#cluster.ids.length) return;
    this.#killAndRestart(leader);
    this.#phase = { type: 'campaigns', voter: leader, first: undefined };
  }

  #watchCampaigns(phase: Phase & { type: 'campaigns' }): void {
    const others = this.#cluster.nodes.filter((node) => node.settings.nodeId !== phase.voter);
    const candidates = others.filter((node) => node.role === 'candidate');
    const [one, other] = candidates;
    if (one === undefined) return;
    phase.first ??= one.settings.nodeId;
    if (other === undefined || one.term !== other.term) return;
    const { first, voter } = phase;
    const second = one.settings.nodeId === first ? other : one;
    // Its vote for itself, and with it its requests, are durable only after the voter's silence.
    const heldMs = this.#timeoutMs * (1.1 + 0.6 * this.#random.float());
    const stall: Harm = { type: 'stalledDisk', member: second.settings.nodeId };
    this.#begin([stall]);
    this.#world.after(heldMs, () => this.#harms.end([stall]));
    this.#phase = { type: 'vote', voter, first };
  }

  #watchVote({ voter, first }: Phase & { type: 'vote' }): void {
    if (this.#cluster.node(first)?.role !== 'leader') return;
    const rest = this.#cluster.ids.filter((id) => id !== first);
    this.#begin(cutsBetween([first], rest, 'both'));
    this.#killAndRestart(voter);
    this.sprung += 1;
    this.#phase = { type: 'waiting' };
    this.#world.after(this.#timeoutMs * 4, () => {
      if (!this.#resting) this.#reset();
    });
  }

  #killAndRestart(id: NodeId): void {
    if (!this.#cluster.isAlive(id)) return;
    this.#cluster.crash(id, false);
    this.#world.after(1, () => {
      if (!this.#cluster.isAlive(id)) this.#cluster.restart(id);
    });
  }

  #begin(harms: readonly Harm[]): void {
    this.#begun = [...this.#begun, ...harms];
    this.#harms.begin(harms);
  }

  #reset(): void {
    this.#phase = { type: 'waiting' };
    this.#harms.end(this.#begun);
    this.#begun = [];
  }
}
