import type { Entry, InstanceId, LogIndex, NodeId, Term, WriteId } from '@d-engine/base';
import type { Configuration } from './configuration.ts';
import type { Outgoing } from './messages.ts';

/** What a member must never forget (Raft paper, figure 2, "persistent state"). */
export interface HardState {
  readonly term: Term;
  /** Null: no vote in this term. A vote is for a member, not for a number (design rule 2). */
  readonly votedFor: { readonly nodeId: NodeId; readonly instanceId: InstanceId } | null;
  /** The largest stickiness that this member has ever promised a leader (design rule 4). */
  readonly stickinessMs: number;
}

/**
 * One write to disk. The parts may be written in parallel, but the write is complete only when
 * all of them, and all writes before it, are durable.
 */
export interface Persist {
  readonly writeId: WriteId;
  readonly hardState: HardState | undefined;
  /**
   * An installed snapshot, durable already, takes the place of the whole log: first drop every
   * entry, so that the next one follows this place. Never together with `truncateFrom`.
   */
  readonly reset: { readonly index: LogIndex; readonly term: Term } | undefined;
  /** First remove this index and all after it. Above the commit index, always. */
  readonly truncateFrom: LogIndex | undefined;
  /** Then append these; consecutive. */
  readonly entries: readonly Entry[];
  /** Known committed; recorded beside the entries so that a restart need not learn it anew. */
  readonly commitIndex: LogIndex;
  /** `later`: nothing waits for it, so it may share a sync with what comes after it. */
  readonly sync: 'now' | 'later';
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'learner';

/** Entries that Raft needs for a peer and that are no longer in memory. */
export interface EntriesWanted {
  readonly peer: NodeId;
  readonly from: LogIndex;
  /** Inclusive. */
  readonly to: LogIndex;
  readonly bytesMax: number;
}

/** What a peer needs next is in a snapshot only: send it the newest one, then say how that went. */
export interface SnapshotWanted {
  readonly peer: NodeId;
  /** For this data directory; another one under the same id asks for itself. */
  readonly instanceId: InstanceId;
}

/** A linearizable read that was asked for by `readIndex`. */
export type ReadOutcome =
  | {
      readonly type: 'ready';
      readonly readId: number;
      /** Answer once this index is applied. */
      readonly index: LogIndex;
    }
  | { readonly type: 'refused'; readonly readId: number };

/** Everything that one batch of inputs led to; the runtime carries it out. */
export interface Effects {
  readonly persist: Persist | undefined;
  /** May leave at once: whatever had to wait for the disk comes out after `persisted`. */
  readonly messages: readonly Outgoing[];
  readonly reads: readonly ReadOutcome[];
  readonly entriesWanted: readonly EntriesWanted[];
  readonly snapshotsWanted: readonly SnapshotWanted[];
  /** Set when role, term or leader changed. */
  readonly stateChange: StateChange | undefined;
  /** Things an operator should read, in order. */
  readonly notices: readonly Notice[];
}

export interface StateChange {
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  /** Present when this member has just stopped leading: why. */
  readonly steppedDownBecause?: string | undefined;
}

export type Notice =
  | { readonly type: 'formed'; readonly index: LogIndex }
  | { readonly type: 'memberBound'; readonly nodeId: NodeId; readonly instanceId: InstanceId }
  | {
      readonly type: 'memberRefused';
      readonly nodeId: NodeId;
      readonly instanceId: InstanceId;
      readonly reason: 'otherInstance' | 'olderBootCount' | 'removed';
    }
  | {
      readonly type: 'formationStopped';
      readonly nodeId: NodeId;
      readonly reason: 'otherVoters' | 'alreadyFormed';
    }
  | { readonly type: 'transferTimedOut'; readonly target: NodeId }
  /** The entry at `index`, which made this configuration, is committed. */
  | {
      readonly type: 'membersChanged';
      readonly index: LogIndex;
      readonly configuration: Configuration;
    }
  /** The cluster goes on without this member, by the committed entry at `index`. */
  | { readonly type: 'removed'; readonly index: LogIndex }
  /** This member holds again all that it may have forgotten; its peers have to hear of it. */
  | { readonly type: 'recovered' }
  /** This leader begins a new history: what was acknowledged above `index` may be gone. */
  | { readonly type: 'possibleDataLoss'; readonly index: LogIndex; readonly term: Term }
  /**
   * What this member, whose vote was not asked for, knows to be committed stands otherwise in the
   * log of its leader from `index` on: the voters gave it up. It can never go on here.
   */
  | { readonly type: 'historyGivenUp'; readonly index: LogIndex };
