import type { Instant, LogIndex, NodeId } from '@d-engine/base';
import type { Configuration } from './configuration.ts';
import { isMember } from './configuration.ts';
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
  /** Every member but this one, and those that were removed and may not have heard of it. */
  peers: readonly Progress[] = [];
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
    // The first probe starts at this term's first entry: most peers have all before it.
    this.follow(configuration, self, firstIndex);
  }

  /** Keeps count of the members of `configuration`; of new ones from a guess on. */
  follow(configuration: Configuration, self: NodeId, nextIndex: LogIndex): void {
    const peers = [...this.peers];
    for (const { id } of configuration.members) {
      if (id !== self && this.peer(id) === undefined) peers.push(new Progress(id, nextIndex));
    }
    for (const peer of peers) {
      if (isMember(configuration, peer.nodeId)) peer.leftAtMs = undefined;
      else peer.leftAtMs ??= Number.POSITIVE_INFINITY;
    }
    this.peers = peers;
  }

  /** A change of members is committed: those that left have `limitMs` to hear of it. */
  dismiss(atMs: number, limitMs: number): void {
    const left = this.peers.filter(({ leftAtMs }) => leftAtMs !== undefined);
    if (left.length === 0) return;
    for (const peer of left) {
      if (peer.leftAtMs === Number.POSITIVE_INFINITY) peer.leftAtMs = atMs;
    }
    this.peers = this.peers.filter(({ leftAtMs = atMs }) => atMs - leftAtMs <= limitMs);
  }

  peer(nodeId: NodeId): Progress | undefined {
    for (const peer of this.peers) if (peer.nodeId === nodeId) return peer;
    return undefined;
  }

  /** When the next peer has to be told of the commit index; Infinity for never. */
  nextCommitNoticeMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { commitDueMs } of this.peers) nextMs = Math.min(nextMs, commitDueMs);
    return nextMs;
  }

  /** Never decreases: the base is at least the largest time in the log (design rule 7). */
  clusterTimeMs(at: Instant): number {
    return this.clusterTimeBaseMs + Math.max(0, Math.floor(at.monotonicMs - this.sinceMs));
  }
}
