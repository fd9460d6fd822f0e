import type { NodeId } from '@d-engine/base';
import type { SeededRandom, VirtualWorld } from '@d-engine/virtual-env';
import type { FaultKind, Scenario } from './scenario.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

/** Of a supervisor that has nothing else to do. */
const restartDelayMs = 100;

/** Breaks things at random, and mends each of them after a while, until it is told to rest. */
export class Nemesis {
  readonly #world: VirtualWorld;
  readonly #cluster: VirtualCluster;
  readonly #scenario: Scenario;
  readonly #random: SeededRandom;
  readonly counts: Map<FaultKind, number> = new Map();
  #resting = false;
  #paused = new Set<NodeId>();

  constructor(world: VirtualWorld, cluster: VirtualCluster, scenario: Scenario) {
    this.#world = world;
    this.#cluster = cluster;
    this.#scenario = scenario;
    this.#random = world.random('nemesis');
  }

  start(): void {
    if (this.#scenario.faults.length > 0) this.#next();
  }

  /** Ends all faults: links healed, members running. */
  rest(): void {
    this.#resting = true;
    this.#world.heal();
    this.#world.unclog();
    for (const id of this.#paused) this.#cluster.host(id).resume();
    for (const id of this.#cluster.ids) {
      this.#cluster.host(id).disk.slow(1);
      if (!this.#cluster.isAlive(id)) this.#cluster.restart(id);
    }
  }

  get #mendMsMax(): number {
    return this.#scenario.electionTimeoutMinMs * 8;
  }

  #next(): void {
    const delayMs = this.#random.float() * this.#scenario.faultIntervalMsMax;
    this.#world.after(delayMs, () => {
      if (this.#resting) return;
      const kind = this.#random.pick(this.#scenario.faults);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      this.#inflict(kind);
      this.#next();
    });
  }

  #inflict(kind: FaultKind): void {
    const random = this.#random;
    const victim = random.pick(this.#cluster.ids);
    const host = this.#cluster.host(victim);
    const { electionTimeoutMinMs } = this.#scenario;
    switch (kind) {
      case 'kill':
        return this.#crash([victim], false);
      case 'powerLoss':
        return this.#crash([victim], true);
      case 'powerLossOfAll':
        return this.#crash(this.#cluster.ids, true);
      case 'gracefulStop':
        return this.#stop(victim);
      case 'partition':
        return this.#cut(this.#cluster.ids.filter(() => random.chance(0.5)));
      case 'isolateLeader':
        return this.#cut([this.#cluster.leader?.settings.nodeId ?? victim]);
      case 'oneWayCut': {
        const other = random.pick(this.#cluster.ids.filter((id) => id !== victim));
        this.#world.cut(host, this.#cluster.host(other), 'one');
        return this.#later(() => this.#world.heal(host, this.#cluster.host(other)));
      }
      case 'clog': {
        const other = random.pick(this.#cluster.ids.filter((id) => id !== victim));
        this.#world.clog(host, this.#cluster.host(other), { min: 50, max: 500 });
        return this.#later(() => this.#world.unclog());
      }
      case 'pause':
        return this.#pause(victim);
      case 'stall':
        if (host.alive) host.stall(random.float() * electionTimeoutMinMs * 3);
        return;
      case 'suspend':
        // The monotonic clock stands still: the wall clock alone tells (design rule 4).
        if (host.alive && !this.#paused.has(victim)) this.#suspend(victim);
        return;
      case 'wallJump':
        return host.jumpWallClock((random.float() - 0.5) * 20_000);
      case 'slowDisk':
        host.disk.slow(random.pick([5, 50, 200]));
        return this.#later(() => host.disk.slow(1));
    }
  }

  #crash(victims: readonly NodeId[], powerLoss: boolean): void {
    for (const id of victims) {
      if (!this.#cluster.isAlive(id) || this.#cluster.heldUp.has(id)) continue;
      this.#paused.delete(id);
      this.#cluster.crash(id, powerLoss);
      this.#later(() => {
        if (!this.#cluster.isAlive(id)) this.#cluster.restart(id);
      });
    }
  }

  #stop(id: NodeId): void {
    const node = this.#cluster.node(id);
    if (node === undefined || this.#cluster.heldUp.has(id)) return;
    // The outcome is in `closed`, which the cluster watches.
    const again = (): void => this.#startAgain(id);
    node.stop().then(again, again);
  }

  /** A member that stopped on its own is started by its supervisor, faults or not. */
  #startAgain(id: NodeId): void {
    const delayMs = this.#resting ? restartDelayMs : this.#random.float() * this.#mendMsMax;
    this.#world.after(delayMs, () => {
      // It crashed meanwhile, and whatever crashed it has started it or will.
      if (!this.#cluster.isAlive(id) || this.#cluster.node(id) !== undefined) return;
      // Asleep: nobody can do anything to it before it wakes.
      if (this.#cluster.heldUp.has(id)) return this.#startAgain(id);
      this.#paused.delete(id);
      this.#cluster.crash(id, false);
      this.#cluster.restart(id);
    });
  }

  #cut(group: readonly NodeId[]): void {
    const rest = this.#cluster.ids.filter((id) => !group.includes(id));
    this.#world.partition([group, rest].map((ids) => ids.map((id) => this.#cluster.host(id))));
    this.#later(() => this.#world.heal());
  }

  #pause(id: NodeId): void {
    const host = this.#cluster.host(id);
    if (!host.alive || this.#paused.has(id)) return;
    this.#paused.add(id);
    host.pause();
    this.#later(() => {
      if (!this.#paused.delete(id)) return;
      host.resume();
    });
  }

  #suspend(id: NodeId): void {
    const { heldUp } = this.#cluster;
    if (heldUp.has(id)) return;
    const ms = this.#random.float() * this.#scenario.electionTimeoutMinMs * 5;
    heldUp.add(id);
    this.#cluster.host(id).suspend(ms);
    this.#world.after(ms, () => heldUp.delete(id));
  }

  /** Mends a fault after some time that is long against an election, or short. */
  #later(action: () => void): void {
    const delayMs = this.#random.float() * this.#mendMsMax;
    this.#world.after(delayMs, () => {
      if (!this.#resting) action();
    });
  }
}
