import type { InstanceId, NodeId, Plane } from '@d-engine/base';
import type { Outgoing, RaftMessage } from './raft-under-test.ts';
import { planeOf } from './raft-under-test.ts';
import type { SimulatedNode } from './simulated-node.ts';

/** A message that was sent and not yet handed over. */
export interface InFlight {
  readonly from: NodeId;
  /** Of the sender when it sent: what the stream's hello had said. */
  readonly instanceId: InstanceId;
  readonly bootCount: number;
  readonly to: NodeId;
  readonly plane: Plane;
  readonly message: RaftMessage;
}

/** Which messages a command means; what is not given matches everything. */
export interface MessageFilter {
  readonly from: NodeId | undefined;
  readonly to: NodeId | undefined;
  readonly plane: Plane | undefined;
  /** One of the message types, or several with commas. */
  readonly types: readonly string[] | undefined;
  readonly count: number | undefined;
}

/**
 * One queue of everything on its way, in the order of sending, so that each link delivers in order
 * per plane unless a script says otherwise.
 */
export class SimulatedNetwork {
  #queue: InFlight[] = [];
  /** Which side of a partition each node is on; empty without one. */
  #sides = new Map<NodeId, number>();

  get queue(): readonly InFlight[] {
    return this.#queue;
  }

  /** False: the link is down, and the message is gone. */
  send(
    { id: from, instanceId, bootCount }: Pick<SimulatedNode, 'id' | 'instanceId' | 'bootCount'>,
    { to, message }: Outgoing,
  ): boolean {
    if (!this.connected(from, to)) return false;
    this.#queue.push({ from, instanceId, bootCount, to, plane: planeOf(message), message });
    return true;
  }

  connected(first: NodeId, second: NodeId): boolean {
    return this.#sides.get(first) === this.#sides.get(second);
  }

  /** Takes the matching messages off the links, oldest first. */
  take(filter: MessageFilter): readonly InFlight[] {
    const taken = this.matching(filter);
    this.remove((inFlight) => taken.includes(inFlight));
    return taken;
  }

  matching(filter: MessageFilter): readonly InFlight[] {
    const all = this.#queue.filter((inFlight) => matches(inFlight, filter));
    return filter.count === undefined ? all : all.slice(0, filter.count);
  }

  /** The oldest message between two nodes of the set, taken off. */
  takeOldestAmong(nodes: ReadonlySet<NodeId>): InFlight | undefined {
    const at = this.#queue.findIndex(({ from, to }) => nodes.has(from) && nodes.has(to));
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0];
  }

  duplicate(filter: MessageFilter): readonly InFlight[] {
    const copies = this.matching(filter).map((inFlight) => ({ ...inFlight }));
    this.#queue.push(...copies);
    return copies;
  }

  /** The matching messages change places among themselves: the newest comes first. */
  reverse(filter: MessageFilter): readonly InFlight[] {
    const found = this.matching(filter);
    const reversed = [...found].reverse();
    const places = new Map(found.map((inFlight, position) => [inFlight, reversed[position]]));
    this.#queue = this.#queue.map((inFlight) => places.get(inFlight) ?? inFlight);
    return reversed;
  }

  remove(lost: (inFlight: InFlight) => boolean): readonly InFlight[] {
    const removed = this.#queue.filter(lost);
    this.#queue = this.#queue.filter((inFlight) => !lost(inFlight));
    return removed;
  }

  /** Cuts the links between the groups; a node in no group is alone. Loses what crosses. */
  partition(groups: readonly (readonly NodeId[])[], all: readonly NodeId[]): readonly InFlight[] {
    this.#sides = new Map(all.map((node) => [node, alone(node)]));
    groups.forEach((group, side) => {
      for (const node of group) this.#sides.set(node, side);
    });
    return this.remove(({ from, to }) => !this.connected(from, to));
  }

  heal(): void {
    this.#sides = new Map();
  }
}

/** A side of its own, apart from the groups, which count from 0. */
function alone(node: number): number {
  return -node;
}

function matches(inFlight: InFlight, filter: MessageFilter): boolean {
  return (
    (filter.from === undefined || inFlight.from === filter.from) &&
    (filter.to === undefined || inFlight.to === filter.to) &&
    (filter.plane === undefined || inFlight.plane === filter.plane) &&
    (filter.types === undefined || filter.types.includes(inFlight.message.type))
  );
}
