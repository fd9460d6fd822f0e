import type { Entry, Instant, LogIndex, NodeId } from '@d-engine/base';
import { assert, entryKinds, limits, must } from '@d-engine/base';
import type { BoundMember } from './configuration.ts';
import { isOnlyVoter, isVoter } from './configuration.ts';
import type { Core } from './core.ts';
import type { LeaderState } from './leader-state.ts';
import { appendProposals, bindIfNew } from './leadership.ts';
import type { AppendResponse, HeartbeatResponse, Sender } from './messages.ts';
import type { Progress } from './progress.ts';
import { committedIndex } from './quorum.ts';
import { endOwnRecoveryIfMet, recoveryGoal, weighsFrom } from './recovery.ts';

const noEntries: readonly Entry[] = [];

/**
 * Sends every peer what it may get now. Called once a batch, so whatever the batch brought shares
 * a message.
 *
 * A peer that is up to date gets an empty append soon after the commit index moved, rather than
 * hearing of it by the next heartbeat: what it applies, its watchers and its eventual readers see,
 * and a heartbeat interval is some hundred times a round trip. Mostly the next entries come first
 * and carry it; a linearizable read waits for neither, see flushLeaderReads.
 */
export function flushAppends(core: Core, leader: LeaderState, at: Instant): void {
  // The birth of a cluster leaves its first leader only when it cannot forget it. Else, after a
  // crash, a voter that it did not bind could hold the one copy: "formed", so nobody forms anew,
  // and not bound, so it never leads either.
  if (core.bindings.bootstrapIndex > core.durableIndex) return;
  for (const peer of leader.peers) {
    while (!peer.isPaused && wantsAppend(core, peer, at)) {
      if (!isInLog(core, peer, at) || !sendNext(core, leader, peer, at)) break;
    }
  }
}

/** Whether the peer can go on from the log; asks for a snapshot when it needs one. */
function isInLog(core: Core, peer: Progress, at: Instant): boolean {
  const { log, config } = core;
  if (peer.nextIndex >= log.firstIndex) return true;
  const { instanceId, lastContactMs } = peer;
  if (instanceId === undefined || lastContactMs === undefined) {
    // It never said what it has: the log may have moved on since this was guessed.
    peer.probeFrom(log.firstIndex);
    return true;
  }
  // To somebody who is not there a snapshot would be sent for nothing.
  if (at.monotonicMs - lastContactMs > config.electionTimeoutMaxMs) return false;
  peer.becomeSnapshot();
  core.outbox.wantSnapshot({ peer: peer.nodeId, instanceId });
  return false;
}

function wantsAppend(core: Core, peer: Progress, at: Instant): boolean {
  if (peer.state === 'probe') return true;
  if (peer.nextIndex <= core.log.lastIndex) return true;
  peer.owesCommit(core.commitIndex, at.monotonicMs + core.config.commitNoticeDelayMs);
  return at.monotonicMs >= peer.commitDueMs;
}

/** Sends one append; false when its entries have to come from disk first. */
function sendNext(core: Core, leader: LeaderState, peer: Progress, at: Instant): boolean {
  const { log, config } = core;
  const from = peer.nextIndex;
  if (from > log.lastIndex) {
    sendAppend(core, leader, peer, noEntries, at);
    return true;
  }
  if (log.isInMemory(from)) {
    const entries = log.batch(from, config.appendEntriesMax, limits.appendBytesMax);
    sendAppend(core, leader, peer, entries, at);
    return true;
  }
  const to = Math.min(log.memoryFirstIndex - 1, from + config.appendEntriesMax - 1);
  peer.wantedFrom = from;
  core.outbox.want({ peer: peer.nodeId, from, to, bytesMax: limits.appendBytesMax });
  return false;
}

function sendAppend(
  core: Core,
  leader: LeaderState,
  peer: Progress,
  entries: readonly Entry[],
  at: Instant,
): void {
  const prevLogIndex = peer.nextIndex - 1;
  const prevLogTerm = core.log.termAt(prevLogIndex);
  assert(prevLogTerm !== undefined, () => `the term of entry ${prevLogIndex} is not known`);
  core.outbox.send(peer.nodeId, {
    type: 'appendRequest',
    term: core.term,
    leaderCommit: core.commitIndex,
    token: leader.tokens.current(at),
    stickinessMs: core.config.electionTimeoutMinMs,
    prevLogIndex,
    prevLogTerm,
    entries,
  });
  let bytes = 0;
  for (const entry of entries) bytes += entry.encoded.length;
  peer.sent(prevLogIndex + entries.length, bytes, at.monotonicMs);
  peer.tellsCommit(core.commitIndex);
}

/** The disk's answer to a wish for entries; dropped when it is not what is needed any more. */
export function handleEntriesRead(
  core: Core,
  leader: LeaderState,
  peer: Progress,
  entries: readonly Entry[],
  at: Instant,
): void {
  const first = entries[0];
  if (peer.wantedFrom === undefined) return;
  if (first !== undefined && first.index !== peer.wantedFrom) return;
  const fits = peer.wantedFrom === peer.nextIndex;
  peer.wantedFrom = undefined;
  if (first === undefined || !fits || peer.isPaused) return;
  // The log may begin later by now.
  if (first.index < core.log.firstIndex) return;
  let index = first.index;
  for (const entry of entries) {
    // The log may have been truncated, and grown anew, while the disk was reading.
    if (entry.index !== index || core.log.termAt(index) !== entry.term) return;
    index += 1;
  }
  sendAppend(core, leader, peer, entries, at);
}

/** To every member on Control. */
export function broadcastHeartbeat(core: Core, leader: LeaderState, token: number): void {
  for (const peer of leader.peers) {
    core.outbox.send(peer.nodeId, {
      type: 'heartbeatRequest',
      term: core.term,
      leaderCommit: core.commitIndex,
      token,
      stickinessMs: core.config.electionTimeoutMinMs,
      ...recoveryGoal(core, leader, peer),
    });
    if (peer.matchIndex >= core.commitIndex) peer.tellsCommit(core.commitIndex);
  }
}

// ---- what peers answer ----

/** What every answer of a peer says: it is there, it follows this term, and what it had heard. */
function hearPeer(
  core: Core,
  leader: LeaderState,
  sender: Sender,
  token: number,
  matchIndex: LogIndex,
  at: Instant,
): Progress | undefined {
  const peer = leader.peer(sender.nodeId);
  if (peer === undefined) return undefined;
  // From a bound member it is a broken promise and stops this node; a stranger cannot do that.
  const bound = core.countsSender(sender);
  if (!bound && (token > leader.tokens.latest || matchIndex > core.log.lastIndex)) return undefined;
  if (peer.instanceId === undefined) peer.instanceId = sender.instanceId;
  else if (peer.instanceId !== sender.instanceId) {
    peer.startOver(sender.instanceId, core.log.lastIndex + 1);
  }
  assert(token <= leader.tokens.latest, () => `peer ${sender.nodeId} echoes an unknown token`);
  // By when the message left that it answers, as for the lease: the answer may have waited, here
  // too while this process stood still, and says nothing of the time since.
  const sentAtMs = leader.tokens.sentAt(token)?.monotonicMs ?? leader.sinceMs;
  peer.lastContactMs = Math.max(peer.lastContactMs ?? sentAtMs, sentAtMs);
  if (token > peer.ackedToken) peer.ackedToken = token;
  if (peer.leftAtMs === undefined) {
    bindIfNew(core, leader, { nodeId: sender.nodeId, instanceId: sender.instanceId }, at);
  }
  return peer;
}

export function handleAppendResponse(
  core: Core,
  leader: LeaderState,
  sender: Sender,
  message: AppendResponse,
  at: Instant,
): void {
  const { result } = message;
  const matchIndex = result.type === 'matched' ? result.matchIndex : 0;
  const peer = hearPeer(core, leader, sender, message.token, matchIndex, at);
  if (peer === undefined) return;
  if (result.type === 'conflict') {
    // Skip the terms of ours that the follower cannot have either.
    const hint = core.log.lastAtOrBelow(result.hintIndex, result.hintTerm);
    peer.reject(result.rejectedIndex, hint);
    return;
  }
  acknowledge(core, leader, peer, result.matchIndex, at);
  leaveSnapshotIfMet(core, peer);
  const met = peer.state === 'probe' && result.matchIndex >= peer.matchIndex;
  if (met) peer.becomeReplicate();
}

export function handleHeartbeatResponse(
  core: Core,
  leader: LeaderState,
  sender: Sender,
  message: HeartbeatResponse,
  at: Instant,
): void {
  const peer = hearPeer(core, leader, sender, message.token, message.matchIndex, at);
  if (peer === undefined) return;
  acknowledge(core, leader, peer, message.matchIndex, at);
  leaveSnapshotIfMet(core, peer);
  if (peer.state === 'snapshot') return;
  const missing = peer.matchIndex < peer.nextIndex - 1 || peer.state === 'probe';
  const quietMs = at.monotonicMs - peer.lastActivityMs;
  if (!missing || peer.wantedFrom !== undefined || quietMs < core.config.heartbeatIntervalMs) {
    return;
  }
  if (peer.nextIndex < core.log.firstIndex) {
    // The log moved on while a probe was lost: see isInLog.
    peer.becomeProbe();
    return;
  }
  // Appends got lost, or the peer's disk is slow. An empty append tells which, and costs little: if
  // what is before it is missing, its refusal leads to a probe.
  sendAppend(core, leader, peer, noEntries, at);
}

/** The log has what the peer needs next, wherever it got all before that from. */
function leaveSnapshotIfMet(core: Core, peer: Progress): void {
  if (peer.state !== 'snapshot' || peer.matchIndex + 1 < core.log.firstIndex) return;
  peer.leaveSnapshot(peer.matchIndex);
}

function acknowledge(
  core: Core,
  leader: LeaderState,
  peer: Progress,
  matchIndex: LogIndex,
  at: Instant,
): void {
  assert(matchIndex <= core.log.lastIndex, () => {
    return `peer ${peer.nodeId} acknowledges ${matchIndex}, beyond ${core.log.lastIndex}`;
  });
  const isNews = peer.acknowledge(matchIndex);
  if (!isVoter(core.configuration, peer.nodeId)) {
    peer.catchUp.acknowledged(peer.matchIndex, core.log.lastIndex, at.monotonicMs);
  }
  if (!isNews) return;
  peer.lastActivityMs = at.monotonicMs;
  advanceCommit(core, leader, at);
}

// ---- quorums: whoever has no binding that holds is left out of each of them ----

/**
 * Commits what a quorum holds, each by its own strategy. Entries of older terms are never committed
 * by counting, only along with one of the own term (Raft paper, section 5.4.2, figure 8).
 */
export function advanceCommit(core: Core, leader: LeaderState, at: Instant): void {
  for (;;) {
    const index = quorumValue(core, leader, ownMatch(core, leader), matchOf);
    if (index <= core.commitIndex || core.log.termAt(index) !== core.term) return;
    const before = core.commitIndex;
    core.commitTo(index);
    if (before < leader.noopIndex) leader.reads.becomeReady(index);
    endOwnRecoveryIfMet(core, leader);
    if (core.bindings.lastIndex <= before) return;
    countFromNow(core, leader, before, at);
  }
}

/**
 * Members whose binding has just been committed count from a new entry on. Else the leader and a
 * new member could commit what follows the binding, the leader dies, and nobody who is left knows
 * that the new member may lead, or be counted, although it holds the one other copy.
 */
function countFromNow(core: Core, leader: LeaderState, before: LogIndex, at: Instant): void {
  const { bindings, commitIndex } = core;
  const isNew = ({ nodeId, index }: BoundMember): boolean =>
    index > before &&
    index <= commitIndex &&
    index !== bindings.bootstrapIndex &&
    isVoter(core.configuration, nodeId);
  const added = bindings.members.filter(isNew);
  if (added.length === 0) return;
  const noop = { kind: entryKinds.noop, payload: new Uint8Array(0) };
  const [entry] = appendProposals(core, leader, [noop], at);
  const { index } = must(entry, 'the entry to count from');
  for (const { nodeId } of added) {
    const peer = leader.peer(nodeId);
    if (peer !== undefined) peer.countsFrom = index;
    else leader.ownCountsFrom = index;
  }
}

function matchOf(peer: Progress, core: Core, leader: LeaderState): number {
  const from = Math.max(peer.countsFrom, weighsFrom(core, leader, peer.nodeId));
  return peer.matchIndex >= from ? peer.matchIndex : 0;
}

function ownMatch(core: Core, leader: LeaderState): number {
  const { heldIndex } = core;
  const from = Math.max(leader.ownCountsFrom, weighsFrom(core, leader, core.self));
  return heldIndex >= from ? heldIndex : 0;
}

/** For reads and leases. */
function tokenOf(peer: Progress, core: Core): number {
  return core.isRecovering(peer.nodeId) ? 0 : peer.ackedToken;
}

/** A recovering one too: it can only recover while it has a leader. */
function contactOf(peer: Progress): number {
  return peer.lastContactMs ?? 0;
}

function quorumValue(
  core: Core,
  leader: LeaderState,
  own: number,
  peerValue: (peer: Progress, core: Core, leader: LeaderState) => number,
): number {
  const { voters, outgoingVoters } = core.configuration;
  return committedIndex(voters, outgoingVoters, (id: NodeId) => {
    if (id === core.self) return core.counts(id, core.config.instanceId) ? own : undefined;
    const peer = leader.peer(id);
    if (peer === undefined || !core.counts(id, peer.instanceId)) return undefined;
    return peerValue(peer, core, leader);
  });
}

/** The newest token that a quorum has echoed, this member included; 0 for none. */
export function quorumToken(core: Core, leader: LeaderState): number {
  const own = core.recovering ? 0 : leader.tokens.latest;
  return quorumValue(core, leader, own, tokenOf);
}

/** Whether a quorum was heard of lately (check-quorum; dissertation, 6.2). */
export function hasQuorumContact(core: Core, leader: LeaderState, at: Instant): boolean {
  if (isOnlyVoter(core.configuration, core.self)) return true;
  const contactMs = quorumValue(core, leader, at.monotonicMs, contactOf);
  const sinceMs = Math.max(contactMs, leader.sinceMs);
  return at.monotonicMs - sinceMs <= core.config.electionTimeoutMaxMs;
}
