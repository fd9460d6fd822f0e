import type { NodeId } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { Range, VirtualHost, VirtualWorld } from '@d-engine/virtual-env';
import type { VirtualCluster } from '../virtual-cluster.ts';

/** A member, or the host of a client. */
export type Place = NodeId | string;

/** Something that lasts until it is ended. Two of them may be the same one to look at. */
export type Harm =
  /** One way. */
  | { readonly type: 'cut'; readonly from: Place; readonly to: Place }
  /** One way. */
  | {
      readonly type: 'clog';
      readonly from: NodeId;
      readonly to: NodeId;
      readonly delayMs: Range;
    }
  | { readonly type: 'paused'; readonly member: NodeId }
  | { readonly type: 'slowDisk'; readonly member: NodeId; readonly factor: number }
  | { readonly type: 'stalledDisk'; readonly member: NodeId }
  | { readonly type: 'fullDisk'; readonly member: NodeId; readonly capacityBytes: number };

const plentyBytes = 2 ** 40;

/**
 * What faults do to links, processes and disks, kept apart by who began it: faults overlap, and the
 * end of one leaves what the others hold. Of two on one thing the newer one rules.
 */
export class Harms {
  readonly #world: VirtualWorld;
  readonly #cluster: VirtualCluster;
  /** By the thing that they are done to, in the order in which they began; none is empty. */
  readonly #held = new Map<string, Harm[]>();
  /** What had come to the thing of each harm when that began. */
  readonly #comersBefore = new Map<Harm, number>();
  #over = false;

  constructor(world: VirtualWorld, cluster: VirtualCluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  begin(harms: readonly Harm[]): void {
    assert(!this.#over, 'a fault began after the faults had ended');
    for (const harm of harms) {
      const thing = thingOf(harm);
      this.#held.set(thing, [...(this.#held.get(thing) ?? []), harm]);
      this.#inflict(harm);
      this.#comersBefore.set(harm, this.#comersTo(harm));
    }
  }

  /**
   * Of those that {@link begin} was given; ended already, they stay ended. Says whether anything
   * met one of them: a message the cut, an operation the full disk.
   */
  end(harms: readonly Harm[]): boolean {
    let isMet = false;
    for (const harm of harms) {
      const thing = thingOf(harm);
      const held = this.#held.get(thing) ?? [];
      const others = held.filter((other) => other !== harm);
      if (others.length === held.length) continue;
      isMet ||= this.#comersTo(harm) > must(this.#comersBefore.get(harm), 'a harm that began');
      this.#comersBefore.delete(harm);
      const ruling = others.at(-1);
      if (ruling === undefined) {
        this.#held.delete(thing);
        this.#undo(harm);
        continue;
      }
      this.#held.set(thing, others);
      // The others go on anyway; of some it is a matter of how bad.
      if (ruling.type === 'clog' || ruling.type === 'slowDisk' || ruling.type === 'fullDisk') {
        this.#inflict(ruling);
      }
    }
    return isMet;
  }

  /** Whether any link of this client is cut, to a member or from it. */
  isCutOff(client: string): boolean {
    for (const [harm] of this.#held.values()) {
      if (harm?.type === 'cut' && (harm.from === client || harm.to === client)) return true;
    }
    return false;
  }

  /** Ends everything; from now on nothing may begin. */
  endAll(): void {
    for (const held of this.#held.values()) this.#undo(must(held[0], 'no harm'));
    this.#held.clear();
    this.#over = true;
  }

  /** How much has come to where the harm is, and found something wrong there. */
  #comersTo(harm: Harm): number {
    switch (harm.type) {
      case 'cut':
        return this.#world.linkCounters(this.#host(harm.from), this.#host(harm.to)).held;
      case 'clog':
        return this.#world.linkCounters(this.#host(harm.from), this.#host(harm.to)).clogged;
      case 'paused':
        return this.#host(harm.member).heldEvents;
      case 'slowDisk':
        return this.#host(harm.member).disk.counters.slowed;
      case 'stalledDisk':
        return this.#host(harm.member).disk.counters.stalled;
      case 'fullDisk':
        return this.#host(harm.member).disk.counters.fullFailures;
    }
  }

  #inflict(harm: Harm): void {
    switch (harm.type) {
      case 'cut':
        return this.#world.cut(this.#host(harm.from), this.#host(harm.to));
      case 'clog':
        return this.#world.clog(this.#host(harm.from), this.#host(harm.to), harm.delayMs);
      case 'paused':
        return this.#host(harm.member).pause();
      case 'slowDisk':
        return this.#host(harm.member).disk.slow(harm.factor);
      case 'stalledDisk':
        return this.#host(harm.member).disk.stall();
      case 'fullDisk':
        return this.#host(harm.member).disk.setCapacity(harm.capacityBytes);
    }
  }

  #undo(harm: Harm): void {
    switch (harm.type) {
      case 'cut':
        return this.#world.heal(this.#host(harm.from), this.#host(harm.to), 'one');
      case 'clog':
        return this.#world.unclog(this.#host(harm.from), this.#host(harm.to));
      case 'paused':
        return this.#host(harm.member).resume();
      case 'slowDisk':
        return this.#host(harm.member).disk.slow(1);
      case 'stalledDisk':
        return this.#host(harm.member).disk.unstall();
      case 'fullDisk':
        return this.#host(harm.member).disk.setCapacity(plentyBytes);
    }
  }

  #host(place: Place): VirtualHost {
    return typeof place === 'string' ? this.#world.host(place) : this.#cluster.host(place);
  }
}

/** Two harms of one thing have one name for it. */
function thingOf(harm: Harm): string {
  const where = 'member' in harm ? harm.member : `${harm.from} ${harm.to}`;
  return `${harm.type} ${where}`;
}

/** Of each of one group with each of the other. */
export function cutsBetween(
  group: readonly Place[],
  others: readonly Place[],
  ways: 'one' | 'both',
): Harm[] {
  const cuts: Harm[] = [];
  for (const from of group) {
    for (const to of others) {
      cuts.push({ type: 'cut', from, to });
      if (ways === 'both') cuts.push({ type: 'cut', from: to, to: from });
    }
  }
  return cuts;
}
