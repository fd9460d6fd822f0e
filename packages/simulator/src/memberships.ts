import type { InstanceId, NodeId } from '@d-engine/base';

/** By then disks know that a binding is committed: who forgets it cannot count its member. */
const settledMs = 10_000;

interface Bound {
  /** Committed as the one that counts, and for ever: nothing replaces a member yet. */
  readonly instanceId: InstanceId;
  readonly knownBy: Set<NodeId>;
  /** When a majority knew it. */
  knownAtMs: number | undefined;
}

/** Who counts in quorums (design rule 2), as the members told it. */
export class Memberships {
  readonly #ids: readonly NodeId[];
  readonly #nowMs: () => number;
  readonly #bound = new Map<NodeId, Bound>();
  /** On the disk that each member has; undefined: no process of it has come up on it. */
  readonly #instances = new Map<NodeId, InstanceId>();
  readonly #joined = new Set<NodeId>();

  constructor(ids: readonly NodeId[], nowMs: () => number) {
    this.#ids = ids;
    this.#nowMs = nowMs;
  }

  /** Less than this many and nothing is elected or committed. */
  get majority(): number {
    return Math.floor(this.#ids.length / 2) + 1;
  }

  // ---- what members tell ----

  onBound(id: NodeId, instanceId: InstanceId, toldBy: NodeId): void {
    const known = this.#bound.get(id);
    const bound = known ?? { instanceId, knownBy: new Set(), knownAtMs: undefined };
    this.#bound.set(id, bound);
    bound.knownBy.add(toldBy);
    if (bound.knownBy.size >= this.majority) bound.knownAtMs ??= this.#nowMs();
  }

  onJoined(id: NodeId): void {
    this.#joined.add(id);
  }

  onRunning(id: NodeId, instanceId: InstanceId): void {
    this.#instances.set(id, instanceId);
  }

  onWiped(id: NodeId): void {
    this.#instances.delete(id);
    this.#joined.delete(id);
  }

  // ---- what follows from it ----

  /**
   * It has another disk than the one that counts: refused for ever, as long as no change of
   * membership replaces it.
   */
  isOut(id: NodeId): boolean {
    const bound = this.#bound.get(id);
    return bound !== undefined && this.#instances.get(id) !== bound.instanceId;
  }

  /** Whether anybody has told that a directory of this node id counts. */
  isKnown(id: NodeId): boolean {
    return this.#bound.has(id);
  }

  /** Whether a majority knows that it counts. */
  isBound(id: NodeId): boolean {
    return this.#bound.get(id)?.knownAtMs !== undefined && !this.isOut(id);
  }

  /** Whether a majority has known it for long enough to know it after a power loss too. */
  isSettled(id: NodeId): boolean {
    const knownAtMs = this.#bound.get(id)?.knownAtMs;
    if (knownAtMs === undefined || this.isOut(id)) return false;
    return this.#nowMs() - knownAtMs >= settledMs;
  }

  /**
   * Whether a disk may be lost: a majority of the others counts, so it goes on; and has its part of
   * the cluster on disk, so that the empty ones, which could else form a second one, are fewer.
   */
  canLose(id: NodeId, isAway: (other: NodeId) => boolean): boolean {
    const stay = this.#ids.filter((other) => other !== id && !isAway(other));
    const carry = stay.filter((other) => this.isSettled(other) && this.#joined.has(other));
    return carry.length >= this.majority;
  }
}
