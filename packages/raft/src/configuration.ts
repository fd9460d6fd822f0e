import type { Address, ClusterId, HistoryId, InstanceId, LogIndex, NodeId } from '@d-engine/base';

/** A member as configuration names it. */
export interface Member {
  readonly id: NodeId;
  readonly address: Address;
  readonly role: 'voter' | 'learner';
  /** A learner that may become a voter once it has caught up. */
  readonly promotable: boolean;
}

/**
 * Who counts in quorums as of one log index. Joint while `outgoingVoters` is not empty (Raft
 * dissertation, section 4.3); no entry of this version makes that state yet.
 */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly outgoingVoters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Demoted voters of a joint configuration that become learners when it ends. */
  readonly nextLearners: readonly NodeId[];
  readonly autoLeave: boolean;
  readonly members: readonly Member[];
}

/** The payload of a bootstrap entry: the birth of a cluster (design rule 2). */
export interface Bootstrap {
  readonly clusterId: ClusterId;
  readonly historyId: HistoryId;
  /** Wall clock of the first leader; only to tell which of two clusters is the older one. */
  readonly formedAtWallMs: number;
  readonly members: readonly Member[];
  /** The instance of each voter whose vote the first leader counted. */
  readonly bindings: readonly Binding[];
}

/** Ties a node id to one data directory. Also the payload of a binding entry. */
export interface Binding {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
}

/** A binding as it stands in the log. */
export interface BoundMember extends Binding {
  /** The entry that bound it. Counts in quorums once that entry is committed. */
  readonly index: LogIndex;
}
