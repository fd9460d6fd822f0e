import type {
  ClusterId,
  Entry,
  InstanceId,
  Instant,
  LogIndex,
  NodeId,
  Term,
  WriteId,
} from '@d-engine/base';
import { assert } from '@d-engine/base';
import { Bindings, isMembershipKind } from './bindings.ts';
import type { Configuration } from './configuration.ts';
import { configurationOf, isOnlyVoter, isVoter } from './configuration.ts';
import type { HardState, Persist, Role } from './effects.ts';
import { Formation } from './formation.ts';
import { ForwardedReads } from './forwarded-reads.ts';
import type { LeaderState } from './leader-state.ts';
import { RaftLog } from './log.ts';
import type { RaftMessage, Sender } from './messages.ts';
import { Outbox } from './outbox.ts';
import { PeerRuns } from './peer-runs.ts';
import { PendingWrites } from './pending-writes.ts';
import type { RaftConfig, RecoveredState } from './raft-config.ts';
import type { RaftSnapshot } from './raft-snapshot.ts';

/** A vote as it was counted: the instance matters, see {@link Bindings}. */
export interface CountedVote {
  readonly instanceId: InstanceId;
  readonly granted: boolean;
}

/**
 * The state of one member that all parts of the algorithm share, with the steps that keep it
 * whole. What to do and when is in election.ts, follower.ts, replication.ts and their like.
 */
export class Core {
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly bindings: Bindings = new Bindings();
  readonly formation: Formation;
  readonly outbox: Outbox = new Outbox();
  readonly writes: PendingWrites = new PendingWrites();
  readonly forwardedReads: ForwardedReads = new ForwardedReads();
  readonly runs: PeerRuns = new PeerRuns();

  configuration: Configuration;
  role: Role = 'follower';
  leaderId: NodeId | null = null;
  /** Set exactly while `role` is `leader`. */
  leader: LeaderState | undefined;
  /** Why leadership ended, until it was reported. */
  steppedDownBecause: string | undefined;

  // Invariants: appliedIndex <= commitIndex <= log.lastIndex; durableIndex <= log.lastIndex.
  commitIndex: LogIndex;
  durableIndex: LogIndex;
  appliedIndex: LogIndex = 0;
  /** Up to here this log was seen to match the leader of this very term (design rule 6). */
  verifiedIndex: LogIndex;

  // The follower's side of replication.
  /** The newest token of this term's leader. */
  leaderToken = 0;
  /** An append was not answered with all that it brought yet. */
  ackOwed = false;
  /** Set when there is more to acknowledge than before. */
  ackReady = false;

  // Elections.
  electionDeadlineMs: number = Number.POSITIVE_INFINITY;
  /** After a start: a promise to a leader that the last run made may still bind until then. */
  readonly silentUntilMs: number;
  heardLeaderMs: number = Number.NEGATIVE_INFINITY;
  heardStickinessMs = 0;
  readonly votes: Map<NodeId, CountedVote> = new Map();
  /** This campaign needs the vote of every voter, not only of a quorum (design rule 3). */
  needsEveryVote = false;

  /**
   * An earlier run may have acknowledged more than this log has: until it is certain that it has
   * all of that again, this member counts in nothing (design rule 3).
   */
  recovering: boolean;
  /** See {@link RecoveredState.goneVoters}. */
  goneVoters: readonly NodeId[];
  /** What its leader of this term wants it to hold first; undefined until it said so. */
  recoverTo: LogIndex | undefined;
  /** False: it neither campaigns nor leads, see {@link Raft.setMayLead}. */
  mayLead = true;

  #hardState: HardState;
  /** The write that takes the current hard state to disk. */
  #hardStateWriteId: WriteId = 0;
  #hardStateUnwritten = false;
  #commitRecordWanted = false;

  constructor(config: RaftConfig, recovered: RecoveredState, at: Instant) {
    this.config = config;
    this.log = new RaftLog(recovered);
    const snapshotIndex = recovered.snapshot?.index ?? 0;
    if (recovered.snapshot !== undefined) this.bindings.load(recovered.snapshot.membership);
    for (const entry of recovered.membershipEntries) {
      if (entry.index > snapshotIndex) this.bindings.add(entry);
    }
    this.commitIndex = Math.max(recovered.commitIndex, snapshotIndex);
    this.durableIndex = recovered.lastIndex;
    this.verifiedIndex = this.commitIndex;
    this.recovering = recovered.recovering;
    this.goneVoters = recovered.goneVoters;
    this.#hardState = recovered.hardState ?? { term: 0, votedFor: null, stickinessMs: 0 };
    assert(this.term >= this.log.lastTerm, () => {
      return `term ${this.term} is below the log's ${this.log.lastTerm}`;
    });
    this.formation = new Formation(config, recovered.everFormed, at.monotonicMs);
    this.configuration = configurationOf(config.initialMembers);
    this.refreshConfiguration();
    // With an empty log too a promise may bind: heartbeats alone make one (design rule 4).
    const promised = this.#hardState.stickinessMs > 0;
    const member = recovered.everFormed || recovered.lastIndex > 0 || promised;
    this.silentUntilMs =
      member && !isOnlyVoter(this.configuration, config.nodeId)
        ? at.monotonicMs + Math.max(this.#hardState.stickinessMs, config.electionTimeoutMinMs)
        : Number.NEGATIVE_INFINITY;
  }

  get self(): NodeId {
    return this.config.nodeId;
  }

  get term(): Term {
    return this.#hardState.term;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  /** Only once the bootstrap entry is known to be committed: another might take its place. */
  get clusterId(): ClusterId | undefined {
    const { bindings, commitIndex } = this;
    return bindings.bootstrapIndex <= commitIndex ? bindings.bootstrap?.clusterId : undefined;
  }

  get isVoter(): boolean {
    return isVoter(this.configuration, this.self);
  }

  /**
   * Whether this member stands in elections. A voter that was removed does until that is committed:
   * it may hold the one copy of the entry that says so, and then nobody else can be elected. It
   * does not count its own vote (dissertation, section 4.2.2).
   */
  get isCandidate(): boolean {
    if (this.isVoter) return true;
    const committed = this.bindings.configurationAt(this.commitIndex);
    return committed !== undefined && isVoter(committed, this.self);
  }

  get isPassive(): boolean {
    return this.role === 'follower' || this.role === 'learner';
  }

  /** Whether exactly this member counts in quorums (design rule 2). */
  counts(nodeId: NodeId, instanceId: InstanceId | undefined): boolean {
    return this.bindings.holds(nodeId, instanceId, this.commitIndex);
  }

  /** Whether the cluster has done without this data directory since a committed entry. */
  get isRemoved(): boolean {
    return this.bindings.isRemoved(this.self, this.config.instanceId, this.commitIndex);
  }

  /** Whether the member behind this voter's binding is known to be recovering. */
  isRecovering(nodeId: NodeId): boolean {
    if (nodeId === this.self) return this.recovering;
    // Asked for every peer with every acknowledgement, and mostly nobody recovers.
    if (!this.runs.anyRecovering) return false;
    return this.runs.isRecovering(nodeId, this.bindings.find(nodeId)?.instanceId);
  }

  countsSender(sender: Sender): boolean {
    return this.counts(sender.nodeId, sender.instanceId);
  }

  // ---- hard state, and messages that rest on it ----

  saveHardState(next: HardState): void {
    assert(next.term >= this.#hardState.term, 'the term never falls');
    assert(next.stickinessMs >= this.#hardState.stickinessMs, 'stickiness never falls');
    const voted = this.#hardState.votedFor;
    if (next.term === this.#hardState.term && voted !== null) {
      assert(next.votedFor?.nodeId === voted.nodeId, 'one vote a term');
      assert(next.votedFor.instanceId === voted.instanceId, 'one vote a term, for one instance');
    }
    this.#hardState = next;
    this.#hardStateWriteId = this.writes.nextId;
    this.#hardStateUnwritten = true;
  }

  get isHardStateDurable(): boolean {
    return this.#hardStateWriteId <= this.writes.durableId;
  }

  /** Sends what would be a lie if a crash made this member forget its term, vote or promise. */
  sendWhenDurable(to: NodeId, message: RaftMessage): void {
    if (this.isHardStateDurable) this.outbox.send(to, message);
    else this.outbox.hold(this.#hardStateWriteId, this.term, to, message);
  }

  // ---- the log ----

  /**
   * Up to here the own log counts: what is durable or, with MemFirst, what is in memory. Entries
   * that say who is a member, and the beginning of a log behind a snapshot, count on disk only;
   * so does everything while this member recovers.
   */
  get heldIndex(): LogIndex {
    const { config, durableIndex, log } = this;
    if (config.strategy === 'DiskFirst' || this.recovering) return durableIndex;
    if (log.precedingIndex > durableIndex) return durableIndex;
    const unsynced = this.bindings.firstAbove(durableIndex) ?? log.lastIndex + 1;
    // What a power failure may take is bounded, however slow the disk is.
    return Math.min(unsynced - 1, durableIndex + config.bufferedEntriesMax);
  }

  appendEntry(entry: Entry): void {
    this.log.append(entry);
    if (!isMembershipKind(entry.kind)) return;
    this.bindings.add(entry);
    this.refreshConfiguration();
  }

  truncateFrom(index: LogIndex): void {
    assert(index > this.commitIndex, () => {
      return `truncation at ${index}, but ${this.commitIndex} is committed`;
    });
    const onDisk = this.log.truncateFrom(index);
    if (onDisk) this.writes.voidClaims();
    this.durableIndex = Math.min(this.durableIndex, index - 1);
    if (this.bindings.truncateFrom(index)) this.refreshConfiguration();
    assert(this.verifiedIndex < index, 'what matched the leader is not truncated');
  }

  refreshConfiguration(): void {
    const { bindings, config } = this;
    this.configuration = bindings.configuration ?? configurationOf(config.initialMembers);
    this.leader?.follow(this.configuration, this.self, this.log.lastIndex);
    if (this.isPassive) this.role = this.isCandidate ? 'follower' : 'learner';
  }

  /** Everything up to `index` is committed. True when that is news. */
  commitTo(index: LogIndex): boolean {
    if (index <= this.commitIndex) return false;
    assert(index <= this.log.lastIndex, () => {
      return `commit ${index} beyond the log's ${this.log.lastIndex}`;
    });
    const before = this.commitIndex;
    this.commitIndex = index;
    // Whoever comes later is asked again.
    if (this.goneVoters.length > 0) this.goneVoters = [];
    if (this.bindings.lastIndex > before) this.#announceMembership(before);
    return true;
  }

  /**
   * What a snapshot says takes the place of the whole log. What the disk held of that counts no
   * further than the commit index until it has begun anew.
   */
  resetTo(snapshot: RaftSnapshot): void {
    const { index, term, clusterTimeMs, membership } = snapshot;
    assert(index > this.commitIndex, 'nothing that is committed is replaced');
    this.writes.voidClaims();
    this.durableIndex = Math.min(this.durableIndex, this.commitIndex);
    this.log.reset({ index, term }, clusterTimeMs);
    this.bindings.load(membership);
    this.refreshConfiguration();
    this.commitTo(index);
    this.verifiedIndex = Math.max(this.verifiedIndex, index);
  }

  #announceMembership(before: LogIndex): void {
    const { bootstrapIndex, members } = this.bindings;
    if (bootstrapIndex > before && bootstrapIndex <= this.commitIndex) {
      this.outbox.notice({ type: 'formed', index: bootstrapIndex });
      this.#commitRecordWanted = true;
    }
    for (const { index, nodeId, instanceId } of members) {
      if (index <= before || index > this.commitIndex) continue;
      this.outbox.notice({ type: 'memberBound', nodeId, instanceId });
      // A restart must know that it holds: else a voter that counts now would count no more.
      this.#commitRecordWanted = true;
    }
    const { configurationIndex } = this.bindings;
    if (configurationIndex <= before || configurationIndex > this.commitIndex) return;
    // A bootstrap was announced as such.
    if (configurationIndex === bootstrapIndex) return;
    this.refreshConfiguration();
    const { configuration, isRemoved } = this;
    this.outbox.notice({ type: 'membersChanged', index: configurationIndex, configuration });
    if (isRemoved) this.outbox.notice({ type: 'removed', index: configurationIndex });
    this.#commitRecordWanted = true;
  }

  get hasPersist(): boolean {
    return this.#hardStateUnwritten || this.#commitRecordWanted || this.log.hasWrite;
  }

  takePersist(): Persist | undefined {
    if (!this.hasPersist) return undefined;
    const { reset, truncateFrom, entries } = this.log.takeWrite();
    const sync = this.#isAwaited(reset !== undefined || truncateFrom !== undefined);
    const writeId = this.writes.begin(this.log.lastIndex, this.log.lastTerm);
    assert(!this.#hardStateUnwritten || this.#hardStateWriteId === writeId, 'hard state goes now');
    const hardState = this.#hardStateUnwritten ? this.#hardState : undefined;
    this.#hardStateUnwritten = false;
    this.#commitRecordWanted = false;
    assert(this.commitIndex <= this.log.lastIndex, 'a commit index is in the log');
    return {
      writeId,
      hardState,
      reset,
      truncateFrom,
      entries,
      commitIndex: this.commitIndex,
      sync: sync ? 'now' : 'later',
    };
  }

  /** Whether anything waits for the write that is being taken. */
  #isAwaited(removes: boolean): boolean {
    if (this.config.strategy === 'DiskFirst' || this.recovering || removes) return true;
    if (this.#hardStateUnwritten || this.#commitRecordWanted) return true;
    // Nothing more is taken, nor counts, before some of it is on disk.
    if (this.log.lastIndex - this.durableIndex >= this.config.bufferedEntriesMax) return true;
    return this.bindings.lastIndex > this.durableIndex;
  }

  /** Counts a write that the disk finished; true when more entries are durable now. */
  completeWrite(writeId: WriteId): boolean {
    const durable = this.writes.complete(writeId, (index) => this.log.termAt(index));
    this.outbox.release(this.writes.durableId, this.term);
    if (durable === undefined || durable <= this.durableIndex) return false;
    assert(durable <= this.log.lastIndex, 'durable entries are in the log');
    this.durableIndex = durable;
    return true;
  }

  // ---- roles ----

  /** Follows `leaderId` (null: nobody known yet) in `term`. `because`: told when it led before. */
  becomeFollower(term: Term, leaderId: NodeId | null, because: string, at: Instant): void {
    assert(term >= this.term, () => `term ${this.term} would fall to ${term}`);
    const wasPassive = this.isPassive;
    const termChanged = term > this.term;
    if (termChanged) this.#enterTerm(term);
    if (this.leader !== undefined) this.#stopLeading(because);
    if (termChanged || leaderId !== this.leaderId) this.refuseForwardedReads();
    this.leaderId = leaderId;
    this.votes.clear();
    this.role = this.isCandidate ? 'follower' : 'learner';
    if (!wasPassive) this.resetElectionDeadline(at);
  }

  #enterTerm(term: Term): void {
    this.saveHardState({
      term,
      votedFor: null,
      stickinessMs: this.#hardState.stickinessMs,
    });
    this.forgetTerm();
  }

  /** Drops what was true only in the term before. */
  forgetTerm(): void {
    this.verifiedIndex = this.commitIndex;
    this.recoverTo = undefined;
    this.leaderToken = 0;
    this.ackOwed = false;
    this.ackReady = false;
    this.outbox.dropHeld();
  }

  #stopLeading(because: string): void {
    const leader = this.leader as LeaderState;
    this.leader = undefined;
    this.steppedDownBecause = because;
    for (const read of leader.reads.takeAll()) this.#refuseRead(read.readId, read.from);
  }

  #refuseRead(readId: number, from: NodeId | undefined): void {
    if (from === undefined) this.outbox.readRefused(readId);
    else {
      const term = this.term;
      this.sendWhenDurable(from, { type: 'readIndexResponse', term, readId, index: undefined });
    }
  }

  refuseForwardedReads(): void {
    for (const readId of this.forwardedReads.takeAll()) this.outbox.readRefused(readId);
  }

  /** Randomised, so that voters rarely stand against one another (Raft paper, section 5.2). */
  resetElectionDeadline(at: Instant): void {
    const { electionTimeoutMinMs: min, electionTimeoutMaxMs: max, random } = this.config;
    this.electionDeadlineMs = at.monotonicMs + min + random() * (max - min);
  }

  /** Until then this member owes its vote to a leader that it heard (dissertation, 4.2.3). */
  get stickyUntilMs(): number {
    // A leader that lost its quorum steps down by itself.
    if (this.role === 'leader') return Number.POSITIVE_INFINITY;
    const stickinessMs = Math.max(this.config.electionTimeoutMinMs, this.heardStickinessMs);
    return Math.max(this.silentUntilMs, this.heardLeaderMs + stickinessMs);
  }
}
