import type {
  ClusterId,
  Entry,
  InstanceId,
  LogIndex,
  NodeId,
  PersistenceStrategy,
  Term,
} from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Member } from './configuration.ts';
import type { HardState } from './effects.ts';
import type { ImpossibleChange } from './membership-change.ts';
import type { RaftSnapshot } from './raft-snapshot.ts';

export interface RaftConfig {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  /** Starts of this data directory, this one included: names the run (design rule 3). */
  readonly bootCount: number;
  readonly strategy: PersistenceStrategy;
  /** Used only until a bootstrap entry is in the log. */
  readonly initialMembers: readonly Member[];
  /** Also this member's stickiness: how long it stays with a leader that it heard. */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatIntervalMs: number;
  readonly leaseDurationMs: number;
  /** How long the news of a commit waits for entries that carry it. */
  readonly commitNoticeDelayMs: number;
  readonly appendEntriesMax: number;
  /** A leader takes nothing new while so many entries of its log are in memory only. */
  readonly bufferedEntriesMax: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Makes cluster and history ids: 32 random hex digits. */
  readonly newId: () => string;
}

/** What the disk knew at start. All of it is durable. */
export interface RecoveredState {
  readonly hardState: HardState | undefined;
  /**
   * The newest snapshot; undefined: none. The log covers it: `firstIndex - 1 <= snapshot.index <=
   * lastIndex`, with this very term there. After a crash within an install storage sees to that.
   */
  readonly snapshot: RaftSnapshot | undefined;
  /** Index of the first entry still in the log; 1 without a snapshot. */
  readonly firstIndex: LogIndex;
  /** The term of entry `firstIndex - 1`; 0 when that is none. */
  readonly precedingTerm: Term;
  readonly lastIndex: LogIndex;
  /** Where each term begins, in order: enough to answer the term of every index. */
  readonly termStarts: readonly { readonly index: LogIndex; readonly term: Term }[];
  /** All bootstrap and binding entries of the log, those that the snapshot covers or not. */
  readonly membershipEntries: readonly Entry[];
  /** The largest commit index recorded in the log; at most lastIndex. */
  readonly commitIndex: LogIndex;
  readonly lastClusterTimeMs: number;
  /** True when this directory has been in a formed cluster, even if the log is empty now. */
  readonly everFormed: boolean;
  /** An earlier run may have acknowledged entries that are not in this log (design rule 3). */
  readonly recovering: boolean;
  /**
   * Voters that an operator has said to be gone for good: where every voter is needed, these are
   * not asked, until something is committed.
   */
  readonly goneVoters: readonly NodeId[];
}

export interface PeerHello {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  readonly bootCount: number;
  /** `formed`: its log is not empty or it knows a cluster id. */
  readonly state: 'empty' | 'formed';
  readonly initialVotersHash: string;
  /** Null until it knows that the birth of its cluster is committed. */
  readonly clusterId: ClusterId | null;
  /** See {@link RecoveredState.recovering}; false once that is over. */
  readonly recovering: boolean;
}

export type HelloVerdict = 'accepted' | 'otherInstance' | 'olderBootCount' | 'removed';

export type ProposeResult =
  | {
      readonly accepted: true;
      readonly firstIndex: LogIndex;
      readonly lastIndex: LogIndex;
      readonly term: Term;
    }
  | {
      readonly accepted: false;
      /** `notReady`: too much waits for a quorum or the own disk already; try again later. */
      readonly reason: 'notLeader' | 'transferring' | 'notReady';
      readonly leaderId: NodeId | null;
    };

/** What a leader knows of one peer. */
export interface PeerProgress {
  readonly nodeId: NodeId;
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  /** In `snapshot`: the last index of the one that is being sent; else 0. */
  readonly snapshotIndex: LogIndex;
  readonly inflightMessages: number;
  /** When the newest message left that it answered, in the term of this leader. */
  readonly lastContactMs: number | undefined;
  /** Whether its binding holds, so that it counts in quorums. */
  readonly bound: boolean;
  /** A learner that keeps up, so that it could be promoted now. */
  readonly caughtUp: boolean;
  /** Not a member any more; it gets the log until it has heard so. */
  readonly leaving: boolean;
}

/** What became of a wish to change the membership. */
export type ChangeResult =
  | { readonly accepted: true; readonly index: LogIndex; readonly term: Term }
  | { readonly accepted: false; readonly reason: ChangeRefusal };

/**
 * `notReady`: no entry of the own term is committed yet. `transferring`: leadership is on its way
 * to another. `removedBefore`: this data directory was a member, and forgot what it promised since.
 * `lagging`: a learner that would hold up commits. `quorumAtRisk`: too few of the voters that would
 * remain were heard of lately.
 */
export type ChangeRefusal =
  | ImpossibleChange
  | 'notLeader'
  | 'notReady'
  | 'transferring'
  | 'removedBefore'
  | 'lagging'
  | 'quorumAtRisk';

/** The relations between settings that the algorithm rests on. */
export function assertConfigSane(config: RaftConfig): void {
  assert(config.nodeId >= 1, 'a node id is 1 or more');
  assert(config.instanceId.length > 0, 'an instance id is never empty');
  assert(config.heartbeatIntervalMs > 0, 'heartbeats need an interval');
  assert(config.electionTimeoutMinMs > config.heartbeatIntervalMs, 'heartbeats must come in time');
  assert(config.electionTimeoutMaxMs > config.electionTimeoutMinMs, 'timeouts must differ');
  assert(config.appendEntriesMax >= 1, 'one entry must fit in an append');
  assert(config.bootCount >= 1, 'the first run has the number 1');
  assert(config.bufferedEntriesMax >= 1, 'one entry must fit in memory');
}

export function assertRecoveredSane(recovered: RecoveredState): void {
  const { firstIndex, lastIndex, commitIndex, snapshot } = recovered;
  assert(firstIndex >= 1, 'the log starts at 1');
  assert(lastIndex >= firstIndex - 1, () => `log from ${firstIndex} to ${lastIndex}`);
  assert(commitIndex <= lastIndex, () => `commit ${commitIndex} beyond the log's ${lastIndex}`);
  const covered = snapshot?.index ?? 0;
  assert(covered >= firstIndex - 1 && covered <= lastIndex, () => {
    return `a snapshot up to ${covered}, but a log from ${firstIndex} to ${lastIndex}`;
  });
}
