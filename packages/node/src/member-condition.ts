import type { LogIndex, NodeCondition, NodeId } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';

const recoveringReason =
  'an earlier run may have acknowledged what it had in memory only: it counts in nothing ' +
  'until its leader gave it that back, or every voter is there to begin a new history';

/** Why this member must not serve although it runs, if so. */
export class MemberCondition {
  readonly #hasLeader: () => boolean;
  /** By the peer that refused it. */
  readonly #refusals = new Map<NodeId, DEngineError>();
  #olderCluster: DEngineError | undefined;
  #diverged: DEngineError | undefined;
  #removed: DEngineError | undefined;
  #stopping = false;

  /** `hasLeader`: this member leads, or hears a leader that took it. */
  constructor(hasLeader: () => boolean) {
    this.#hasLeader = hasLeader;
  }

  /** The peer knows this node id by another directory. */
  refuse(peer: NodeId, error: DEngineError): void {
    this.#refusals.set(peer, error);
  }

  /** The peer takes it after all. True when that changed anything. */
  accept(peer: NodeId): boolean {
    return this.#refusals.delete(peer);
  }

  /** An older cluster names this node id as its own: for the rest of this run. */
  yieldTo(olderCluster: DEngineError): void {
    this.#olderCluster = olderCluster;
  }

  /** Its state is another than a quorum's as of the verify entry `index` (design rule 16). */
  diverge(index: LogIndex): void {
    const message =
      `the state of this member is not that of a quorum of the voters as of entry ${index}: ask ` +
      'another member; keep a copy of its data directory for the report, then replace it';
    this.#diverged = new DEngineError('StateDiverged', message);
  }

  agreeAgain(): void {
    this.#diverged = undefined;
  }

  get hasDiverged(): boolean {
    return this.#diverged !== undefined;
  }

  /** The cluster goes on without this member: for the rest of this run. */
  remove(error: DEngineError): void {
    this.#removed = error;
  }

  get isRemoved(): boolean {
    return this.#removed !== undefined;
  }

  stop(): void {
    this.#stopping = true;
  }

  /** Set when requests must be turned away, whatever they ask. */
  get closed(): DEngineError | undefined {
    if (this.#stopping) return new DEngineError('Stopped', 'this member is stopping: ask another');
    return this.#diverged ?? this.#refusal;
  }

  /** One peer that is wrong about this member must not silence one that a quorum works with. */
  get #refusal(): DEngineError | undefined {
    if (this.#removed !== undefined) return this.#removed;
    if (this.#olderCluster !== undefined) return this.#olderCluster;
    if (this.#hasLeader()) return undefined;
    for (const refusal of this.#refusals.values()) return refusal;
    return undefined;
  }

  describe(
    formed: boolean,
    recovering: boolean,
  ): { condition: NodeCondition; reason: string | null } {
    const diverged = this.#diverged;
    if (diverged !== undefined) return { condition: 'diverged', reason: diverged.message };
    const refusal = this.#refusal;
    if (refusal !== undefined) return { condition: 'refused', reason: refusal.message };
    if (recovering) return { condition: 'recovering', reason: recoveringReason };
    if (formed) return { condition: 'normal', reason: null };
    return { condition: 'forming', reason: 'the cluster has not formed yet' };
  }
}
