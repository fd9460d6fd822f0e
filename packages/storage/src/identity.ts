import type { ClusterId, InstanceId, LogIndex, NodeId } from '@d-engine/base';

/** The newest start of a peer that this member has seen (design rule 2). */
export interface PeerIdentity {
  readonly instanceId: InstanceId;
  readonly bootCount: number;
}

/** Who this data directory belongs to. Together with the node id, `instanceId` is the member. */
export interface Identity {
  readonly nodeId: NodeId;
  /** Random, made at the first start, never changed. */
  readonly instanceId: InstanceId;
  /** Starts of this directory, the current one included: 1 in the first. */
  readonly bootCount: number;
  /** False until log and hard state exist: a crash may have cut the very first start short. */
  readonly initialized: boolean;
  /** Null until the cluster's bootstrap entry was seen committed. */
  readonly clusterId: ClusterId | null;
  /** Wall clock of the first leader; null exactly when `clusterId` is. */
  readonly clusterFormedAtMs: number | null;
  readonly peers: ReadonlyMap<NodeId, PeerIdentity>;
  /**
   * The run record of design rule 3: as long as this stands, the log may lack entries that a run of
   * this directory acknowledged from memory. Set while a run with MemFirst goes on, and until a
   * later one has recovered; taken back by a clean stop.
   */
  readonly logMayLack: boolean;
  /** Voters that an operator has said to be gone for good, for the next start alone (rule 3). */
  readonly goneVoters: readonly NodeId[];
  /**
   * The verify entry at which the state was found to be another than a quorum's (design rule 16);
   * until a later one agrees, no run of this directory serves it. Null: none.
   */
  readonly divergedAt: LogIndex | null;
}
