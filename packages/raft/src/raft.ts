import type { ClusterId, Entry, InstanceId, Instant, LogIndex, NodeId, Proposal, Term, WriteId } from '@d-engine/base';
import type { Bootstrap, BoundMember, Configuration, Member } from './configuration.ts';
import type { Effects, HardState, Role } from './effects.ts';
import type { Plane, RaftMessage, Sender } from './messages.ts';

export interface RaftConfig {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  /** Used only until a bootstrap entry is in the log. */
  readonly initialMembers: readonly Member[];
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatIntervalMs: number;
  readonly leaseDurationMs: number;
  readonly appendEntriesMax: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Makes cluster and history ids: 32 random hex digits. */
  readonly newId: () => string;
}

/** What the disk knew at start. */
export interface RecoveredState {
  readonly hardState: HardState | undefined;
  /** Index of the first entry still in the log; 1 without a snapshot. */
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** Where each term begins, in order: enough to answer the term of every index. */
  readonly termStarts: readonly { readonly index: LogIndex; readonly term: Term }[];
  /** All bootstrap and binding entries of the log. */
  readonly membershipEntries: readonly Entry[];
  /** The largest commit index recorded in the log; at most lastIndex. */
  readonly commitIndex: LogIndex;
  readonly lastClusterTimeMs: number;
  /** True when this directory has been in a formed cluster, even if the log is empty now. */
  readonly everFormed: boolean;
}

export interface PeerHello {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  readonly bootCount: number;
  /** `formed`: its log is not empty or it knows a cluster id. */
  readonly state: 'empty' | 'formed';
  readonly initialVotersHash: string;
}
/** The algorithm of one member. No I/O: inputs go in, one batch of effects comes out. */
export type PlannedRaftApi = {
  tick(at: Instant): void;
  step(sender: Sender, message: RaftMessage, at: Instant): void;
};
export type { Bootstrap, BoundMember, ClusterId, Configuration, Effects, Plane, Role };
