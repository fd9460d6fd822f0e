import type {
  ClusterId,
  Entry,
  InstanceId,
  Instant,
  LogIndex,
  NodeId,
  Plane,
  Proposal,
  Term,
  WriteId,
} from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import type { Bootstrap, BoundMember, Configuration } from './configuration.ts';
import { isOnlyVoter } from './configuration.ts';
import { Core } from './core.ts';
import { dispatch } from './dispatch.ts';
import type { Effects, HardState, Role, StateChange } from './effects.ts';
import { countOwnVote, electionTimedOut } from './election.ts';
import { flushAcknowledgement } from './follower.ts';
import { installSnapshot } from './install.ts';
import { appendProposals } from './leadership.ts';
import { leaseHolds } from './lease.ts';
import { changeMembership, leaveJointIfDue, stepDownIfRemoved } from './membership.ts';
import type { MembershipChange } from './membership-change.ts';
import type { RaftMessage, Sender } from './messages.ts';
import { progressOf } from './peer-progress.ts';
import { PeerRegister } from './peer-register.ts';
import type { Progress } from './progress.ts';
import type {
  ChangeResult,
  HelloVerdict,
  PeerHello,
  PeerProgress,
  ProposeResult,
  RaftConfig,
  RecoveredState,
} from './raft-config.ts';
import { assertConfigSane, assertRecoveredSane } from './raft-config.ts';
import type { InstallVerdict, RaftSnapshot } from './raft-snapshot.ts';
import {
  askReadIndex,
  flushForwardedReads,
  flushLeaderReads,
  forwardedReadsDeadlineMs,
  refuseOldForwardedReads,
} from './reads.ts';
import { cannotBegin, endOwnRecoveryIfMet, endRecoveryIfMet } from './recovery.ts';
import {
  advanceCommit,
  broadcastHeartbeat,
  flushAppends,
  handleEntriesRead,
  hasQuorumContact,
  quorumToken,
} from './replication.ts';
import { abortLateTransfer, beginTransfer, flushTransfer } from './transfer.ts';

/**
 * The algorithm of one member. It does no I/O and knows no clock: inputs go in, `takeEffects` hands
 * back what they led to. Everything is settled when a method returns.
 */
export class Raft {
  readonly #core: Core;
  readonly #register: PeerRegister;
  /** The time of the newest input: what effects of a batch count as sent at, never too late. */
  #now: Instant;
  #reported: StateChange;

  constructor(config: RaftConfig, recovered: RecoveredState, at: Instant) {
    assertConfigSane(config);
    assertRecoveredSane(recovered);
    const core = new Core(config, recovered, at);
    this.#core = core;
    this.#register = new PeerRegister(core);
    this.#now = at;
    this.#reported = { role: core.role, term: core.term, leaderId: null };
    // An only voter has nobody to wait for.
    if (isOnlyVoter(core.configuration, core.self)) core.electionDeadlineMs = at.monotonicMs;
    else if (core.isCandidate) core.resetElectionDeadline(at);
    if (recovered.everFormed && recovered.lastIndex === 0) {
      const { nodeId } = config;
      core.outbox.notice({ type: 'formationStopped', nodeId, reason: 'alreadyFormed' });
    }
  }

  // ---- time ----

  /** Does what is due: elections, heartbeats, check-quorum, time limits of transfers and reads. */
  tick(at: Instant): void {
    this.#advance(at);
    const core = this.#core;
    const { leader } = core;
    if (leader === undefined) {
      refuseOldForwardedReads(core, at);
      if (at.monotonicMs >= core.electionDeadlineMs) electionTimedOut(core, at);
      return;
    }
    abortLateTransfer(core, leader, at);
    if (at.monotonicMs < leader.nextHeartbeatMs) return;
    if (!hasQuorumContact(core, leader, at)) {
      core.becomeFollower(core.term, null, 'no quorum of voters was heard of', at);
      return;
    }
    if (cannotBegin(core, leader)) {
      core.becomeFollower(core.term, null, 'only every voter together can elect a leader', at);
      return;
    }
    // Only here: the rounds of reads must not put off the look at the quorum above.
    leader.nextHeartbeatMs = at.monotonicMs + core.config.heartbeatIntervalMs;
    if (core.bindings.configurationIndex <= core.commitIndex) {
      leader.dismiss(at.monotonicMs, core.config.electionTimeoutMaxMs);
    }
    broadcastHeartbeat(core, leader, leader.tokens.current(at));
  }

  /** On the monotonic clock; Infinity for never. */
  nextTickAtMs(): number {
    const core = this.#core;
    const { leader } = core;
    if (leader === undefined) {
      return Math.min(core.electionDeadlineMs, forwardedReadsDeadlineMs(core));
    }
    return Math.min(
      leader.nextHeartbeatMs,
      leader.transfer?.deadlineMs ?? Number.POSITIVE_INFINITY,
      leader.reads.nextRoundMs(core.config.heartbeatIntervalMs),
      leader.nextCommitNoticeMs(),
    );
  }

  #advance(at: Instant): void {
    assert(at.monotonicMs >= this.#now.monotonicMs, 'the monotonic clock never goes back');
    this.#now = at;
  }

  // ---- messages ----

  step(sender: Sender, message: RaftMessage, at: Instant): void {
    this.#advance(at);
    if (!this.#register.admits(sender, message)) return;
    dispatch(this.#core, sender, message, at);
  }

  peerHello(hello: PeerHello, at: Instant): HelloVerdict {
    this.#advance(at);
    return this.#register.hello(hello, at);
  }

  /** A stream broke, and what was on it may be lost. */
  peerLost(peer: NodeId, plane: Plane, at: Instant): void {
    this.#advance(at);
    const core = this.#core;
    if (plane === 'data') core.leader?.peer(peer)?.becomeProbe();
    if (plane === 'control' && core.leaderId === peer) core.refuseForwardedReads();
  }

  // ---- what the runtime asks for ----

  propose(proposals: readonly Proposal[], at: Instant): ProposeResult {
    this.#advance(at);
    const core = this.#core;
    const { leader, leaderId, log } = core;
    if (leader === undefined) return { accepted: false, reason: 'notLeader', leaderId };
    if (leader.transfer !== undefined) return { accepted: false, reason: 'transferring', leaderId };
    if (!this.proposalsAllowed) return { accepted: false, reason: 'notReady', leaderId };
    const firstIndex = log.lastIndex + 1;
    appendProposals(core, leader, proposals, at);
    return { accepted: true, firstIndex, lastIndex: log.lastIndex, term: core.term };
  }

  /** A linearizable read; its outcome comes among the effects. */
  readIndex(readId: number, at: Instant): void {
    this.#advance(at);
    askReadIndex(this.#core, readId);
  }

  /** The time that an entry appended now would carry; undefined where this member does not lead. */
  clusterTimeMs(at: Instant): number | undefined {
    return this.#core.leader?.clusterTimeMs(at);
  }

  /** Changes who belongs to the cluster (design rule 13); in force as soon as it is accepted. */
  changeMembership(change: MembershipChange, at: Instant): ChangeResult {
    this.#advance(at);
    const { leader } = this.#core;
    if (leader === undefined) return { accepted: false, reason: 'notLeader' };
    return changeMembership(this.#core, leader, change, at);
  }

  /** `undefined`: to the most caught-up voter. False: to nobody. */
  transferLeadership(target: NodeId | undefined, at: Instant): boolean {
    this.#advance(at);
    const { leader } = this.#core;
    return leader !== undefined && beginTransfer(this.#core, leader, target, at);
  }

  /** Whether this leader may answer reads alone (design rule 4). Ask at each use. */
  leaseValid(at: Instant): boolean {
    const core = this.#core;
    const { leader, config } = core;
    if (leader === undefined || leader.timeoutNowSent) return false;
    if (core.appliedIndex < leader.noopIndex) return false;
    if (isOnlyVoter(core.configuration, core.self)) return true;
    const sentAt = leader.tokens.sentAt(quorumToken(core, leader));
    if (sentAt === undefined) return false;
    return leaseHolds(sentAt, at, config.leaseDurationMs, config.electionTimeoutMinMs);
  }

  /**
   * Whether this member may campaign and lead. A member whose state is not to be trusted must not,
   * but votes and acknowledges on: its log is as good as any (design rule 16).
   */
  setMayLead(mayLead: boolean, because: string, at: Instant): void {
    this.#advance(at);
    const core = this.#core;
    core.mayLead = mayLead;
    if (mayLead || core.isPassive) return;
    core.becomeFollower(core.term, null, because, at);
  }

  // ---- what the runtime reports ----

  /** This write and all before it are durable. */
  persisted(writeId: WriteId, at: Instant): void {
    this.#advance(at);
    const core = this.#core;
    const more = core.completeWrite(writeId);
    if (more && core.ackOwed) core.ackReady = true;
    if (more) endRecoveryIfMet(core);
    if (more && core.leader !== undefined) {
      endOwnRecoveryIfMet(core, core.leader);
      advanceCommit(core, core.leader, at);
    }
    countOwnVote(core, at);
  }

  /** The state machine has applied everything up to `index`. */
  applied(index: LogIndex): void {
    const core = this.#core;
    assert(index >= core.appliedIndex, 'the state machine does not go back');
    assert(index <= core.commitIndex, () => `${index} applied, ${core.commitIndex} committed`);
    core.appliedIndex = index;
    core.log.trim(Math.min(index, core.durableIndex), limits.logTailBytesMax);
  }

  /** What `Effects.entriesWanted` asked for; none: they are not there. */
  entriesRead(peer: NodeId, entries: readonly Entry[], at: Instant): void {
    this.#advance(at);
    const { leader } = this.#core;
    const progress = leader?.peer(peer);
    if (leader === undefined || progress === undefined) return;
    handleEntriesRead(this.#core, leader, progress, entries, at);
  }

  // ---- snapshots ----

  /**
   * What a snapshot of the state as of `index` must say beside it. The index was applied, and is
   * not below the newest snapshot.
   */
  snapshotAt(index: LogIndex): Omit<RaftSnapshot, 'clusterTimeMs'> {
    const { log, bindings, appliedIndex } = this.#core;
    assert(index <= appliedIndex, () => `${index} is not applied yet`);
    const term = log.termAt(index);
    assert(term !== undefined, () => `entry ${index} is in a snapshot only`);
    return { index, term, membership: bindings.membershipAt(index) };
  }

  /** A durable snapshot has the entries up to `upTo`: the log forgets them from now on. */
  compacted(upTo: LogIndex): void {
    const { log, bindings, appliedIndex, durableIndex } = this.#core;
    assert(upTo <= Math.min(appliedIndex, durableIndex), () => `${upTo} is needed yet`);
    log.compact(upTo);
    bindings.compact(upTo);
  }

  /** The snapshot that this peer was found to need is on its way; it ends at `index`. */
  snapshotChosen(peer: NodeId, instanceId: InstanceId, index: LogIndex): void {
    const progress = this.#receiverOf(peer, instanceId);
    if (progress !== undefined) progress.snapshotIndex = index;
  }

  /** The peer has everything up to `upTo`, by what was sent to it or anyhow. */
  snapshotSent(peer: NodeId, instanceId: InstanceId, upTo: LogIndex): void {
    const last = Math.min(upTo, this.#core.log.lastIndex);
    this.#receiverOf(peer, instanceId)?.leaveSnapshot(last);
  }

  /** Whoever still needs one asks again at once: call this after a pause. */
  snapshotFailed(peer: NodeId, instanceId: InstanceId): void {
    const progress = this.#receiverOf(peer, instanceId);
    progress?.leaveSnapshot(progress.nextIndex - 1);
  }

  #receiverOf(peer: NodeId, instanceId: InstanceId): Progress | undefined {
    const progress = this.#core.leader?.peer(peer);
    const receives = progress?.state === 'snapshot' && progress.instanceId === instanceId;
    return receives ? progress : undefined;
  }

  /**
   * A snapshot that the leader of `leaderTerm` sent is complete and durable here. `installed`: the
   * state machine has to load it, and is told of nothing else until then.
   */
  installSnapshot(snapshot: RaftSnapshot, leaderTerm: Term, at: Instant): InstallVerdict {
    this.#advance(at);
    return installSnapshot(this.#core, snapshot, leaderTerm, at);
  }

  // ---- effects ----

  /** Whether `takeEffects` has anything. */
  hasEffects(): boolean {
    this.#flush();
    const core = this.#core;
    return core.hasPersist || !core.outbox.isEmpty || this.#stateChanged();
  }

  takeEffects(): Effects {
    this.#flush();
    const core = this.#core;
    const stateChange = this.#takeStateChange();
    return { persist: core.takePersist(), ...core.outbox.take(), stateChange };
  }

  /** What waits until a batch is complete, so that all of it shares messages. */
  #flush(): void {
    const core = this.#core;
    const { leader } = core;
    if (leader === undefined) {
      flushAcknowledgement(core);
      flushForwardedReads(core, this.#now);
      return;
    }
    // From memory an entry counts in the very turn that brought it.
    if (core.config.strategy === 'MemFirst') advanceCommit(core, leader, this.#now);
    leaveJointIfDue(core, leader, this.#now);
    flushTransfer(core, leader);
    flushLeaderReads(core, leader, this.#now);
    flushAppends(core, leader, this.#now);
    stepDownIfRemoved(core, leader, this.#now);
  }

  #stateChanged(): boolean {
    const { role, term, leaderId, steppedDownBecause } = this.#core;
    const before = this.#reported;
    if (steppedDownBecause !== undefined) return true;
    return role !== before.role || term !== before.term || leaderId !== before.leaderId;
  }

  #takeStateChange(): StateChange | undefined {
    if (!this.#stateChanged()) return undefined;
    const { role, term, leaderId, steppedDownBecause } = this.#core;
    this.#reported = { role, term, leaderId };
    this.#core.steppedDownBecause = undefined;
    return steppedDownBecause === undefined
      ? this.#reported
      : { role, term, leaderId, steppedDownBecause };
  }

  /**
   * The first entry that is in memory; lastLogIndex + 1 when none is. Entries from here on must not
   * be read from disk: what stands there may be older ones that wait for their truncation.
   */
  get memoryFirstIndex(): LogIndex {
    return this.#core.log.memoryFirstIndex;
  }

  /** The term of the entry at `index`; undefined outside the log. */
  termAt(index: LogIndex): Term | undefined {
    return this.#core.log.termAt(index);
  }

  /** Both ends included; undefined when not all of them are in memory any more. */
  entries(from: LogIndex, to: LogIndex): readonly Entry[] | undefined {
    return this.#core.log.entries(from, to);
  }

  // ---- views ----

  /** See {@link RecoveredState.recovering}; false once that is over. */
  get recovering(): boolean {
    return this.#core.recovering;
  }

  /** Up to here the own log counts in commits: see {@link RaftConfig.strategy}. */
  get heldIndex(): LogIndex {
    return this.#core.heldIndex;
  }

  get role(): Role {
    return this.#core.role;
  }

  get term(): Term {
    return this.#core.term;
  }

  get leaderId(): NodeId | null {
    return this.#core.leaderId;
  }

  get commitIndex(): LogIndex {
    return this.#core.commitIndex;
  }

  /** The first entry that is in memory or on disk; lastLogIndex + 1 when none is. */
  get firstLogIndex(): LogIndex {
    return this.#core.log.firstIndex;
  }

  get lastLogIndex(): LogIndex {
    return this.#core.log.lastIndex;
  }

  get durableIndex(): LogIndex {
    return this.#core.durableIndex;
  }

  /** Up to here the log was seen to match the leader of this very term (design rule 6). */
  get verifiedIndex(): LogIndex {
    return this.#core.verifiedIndex;
  }

  get hardState(): HardState {
    return this.#core.hardState;
  }

  /** Only then anything that rests on the term or the vote has left this member. */
  get isHardStateDurable(): boolean {
    return this.#core.isHardStateDurable;
  }

  /** On the monotonic clock: until then it helps to elect nobody, but for a handover. */
  get stickyUntilMs(): number {
    return this.#core.stickyUntilMs;
  }

  get configuration(): Configuration {
    return this.#core.configuration;
  }

  /** Of the entry that made the configuration, committed or not; 0 before the first. */
  get configurationIndex(): LogIndex {
    return this.#core.bindings.configurationIndex;
  }

  /** Whether the cluster has done without this data directory since a committed entry. */
  get isRemoved(): boolean {
    return this.#core.isRemoved;
  }

  /** Which data directory this member runs on: with its node id, the member (design rule 2). */
  get instanceId(): InstanceId {
    return this.#core.config.instanceId;
  }

  get bindings(): readonly BoundMember[] {
    return this.#core.bindings.members;
  }

  /** Committed or not. */
  get bootstrap(): Bootstrap | undefined {
    return this.#core.bindings.bootstrap;
  }

  /** Only once the bootstrap entry is known to be committed: another might take its place. */
  get clusterId(): ClusterId | undefined {
    return this.#core.clusterId;
  }

  /** `stopped`: this member founds no cluster in this run; it waits for a leader. */
  get formationState(): 'forming' | 'stopped' | 'formed' {
    if (this.#core.bindings.bootstrap !== undefined) return 'formed';
    return this.#core.formation.stopped ? 'stopped' : 'forming';
  }

  get transferring(): boolean {
    return this.#core.leader?.transfer !== undefined;
  }

  get proposalsAllowed(): boolean {
    const { leader, log, durableIndex, config } = this.#core;
    if (leader === undefined || leader.transfer !== undefined) return false;
    // A disk that is slower than its clients slows them down; nothing is ever dropped for it.
    if (log.lastIndex - durableIndex >= config.bufferedEntriesMax) return false;
    // Entries leave memory once applied: far over the limit, nothing gets committed any more.
    return log.tailBytes <= 2 * limits.logTailBytesMax;
  }

  /** Of every peer; empty unless this member leads. */
  progress(): readonly PeerProgress[] {
    const { leader } = this.#core;
    return leader === undefined ? [] : progressOf(this.#core, leader, this.#now);
  }
}
