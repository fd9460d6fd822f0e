import type { Instant, LogIndex, NodeId } from '@d-engine/base';
import type { Configuration } from './configuration.ts';
import { Progress } from './progress.ts';
import { LeaderReads } from './read-index.ts';
import { Tokens } from './tokens.ts';

export interface Transfer {
  readonly target: NodeId;
  readonly deadlineMs: number;
}

/** What exists only while this member leads, and is forgotten with the leadership. */
export class LeaderState {
  readonly sinceMs: number;
  readonly tokens: Tokens = new Tokens();
  readonly reads: LeaderReads = new LeaderReads();
  /** Every member but this one. */
  readonly peers: readonly Progress[];
  /** The own term's first entry that says nothing: once committed, so is all before it. */
  readonly noopIndex: LogIndex;
  /** Cluster time when the no-op was appended; runs with the monotonic clock from there. */
  readonly clusterTimeBaseMs: number;
  /** Every voter elected this leader, and its first entry began a new history (design rule 3). */
  beganHistory = false;
  /** See {@link Progress.countsFrom}: of this member, where it was bound only in this term. */
  ownCountsFrom: LogIndex = 0;
  nextHeartbeatMs: number;
  transfer: Transfer | undefined;
  /** Once true, another may be elected within our lease: it is void for the rest of the term. */
  timeoutNowSent = false;
  /** The target of this transfer was told already. */
  timeoutNowSentTo: NodeId | undefined;

  constructor(
    configuration: Configuration,
    self: NodeId,
    firstIndex: LogIndex,
    noopIndex: LogIndex,
    clusterTimeBaseMs: number,
    at: Instant,
    heartbeatIntervalMs: number,
  ) {
    this.sinceMs = at.monotonicMs;
    this.noopIndex = noopIndex;
    this.clusterTimeBaseMs = clusterTimeBaseMs;
    this.nextHeartbeatMs = at.monotonicMs + heartbeatIntervalMs;
    const peers: Progress[] = [];
    for (const member of configuration.members) {
      // The first probe starts at this term's first entry: most peers have all before it.
      if (member.id !== self) peers.push(new Progress(member.id, firstIndex));
    }
    this.peers = peers;
  }

  peer(nodeId: NodeId): Progress | undefined {
    for (const peer of this.peers) if (peer.nodeId === nodeId) return peer;
    return undefined;
  }

  /** Never decreases: the base is at least the largest time in the log (design rule 7). */
  clusterTimeMs(at: Instant): number {
    return this.clusterTimeBaseMs + Math.max(0, Math.floor(at.monotonicMs - this.sinceMs));
  }
}
