import type { Instant, LogIndex, NodeId, Term } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Core } from './core.ts';
import type { AppendRequest, HeartbeatRequest, Sender } from './messages.ts';
import { endRecoveryIfMet } from './recovery.ts';

/** A leader of an older term: the answer tells it so. */
export function refuseOldLeader(
  core: Core,
  sender: Sender,
  message: AppendRequest | HeartbeatRequest,
): void {
  assert(message.term < core.term, 'only an older term is refused');
  const { term } = core;
  if (message.type === 'heartbeatRequest') {
    core.sendWhenDurable(sender.nodeId, {
      type: 'heartbeatResponse',
      term,
      token: 0,
      matchIndex: 0,
    });
    return;
  }
  core.sendWhenDurable(sender.nodeId, {
    type: 'appendResponse',
    term,
    token: 0,
    result: { type: 'conflict', rejectedIndex: message.prevLogIndex, hintIndex: 0, hintTerm: 0 },
  });
}

/** Takes note of the leader of the own term. False: it is none of ours. */
function hearLeader(
  core: Core,
  sender: Sender,
  message: AppendRequest | HeartbeatRequest,
  at: Instant,
): boolean {
  assert(message.term === core.term, 'terms were settled before');
  const other = core.leaderId !== null && core.leaderId !== sender.nodeId;
  if (other) {
    assert(!core.countsSender(sender), () => {
      return `${core.leaderId} and ${sender.nodeId} both lead term ${core.term}`;
    });
    // Somebody who counts in nothing, of a cluster that a wiped member formed, perhaps.
    return false;
  }
  if (core.leaderId === null || !core.isPassive) {
    core.becomeFollower(core.term, sender.nodeId, '', at);
  }
  core.heardLeaderMs = at.monotonicMs;
  core.heardStickinessMs = message.stickinessMs;
  core.resetElectionDeadline(at);
  if (message.stickinessMs > core.hardState.stickinessMs) {
    // The answer, which makes it a promise, waits until it is durable (design rule 4).
    core.saveHardState({ ...core.hardState, stickinessMs: message.stickinessMs });
  }
  if (message.token > core.leaderToken) core.leaderToken = message.token;
  return true;
}

/** Raft paper, figure 2, AppendEntries. */
export function handleAppend(
  core: Core,
  sender: Sender,
  message: AppendRequest,
  at: Instant,
): void {
  const isTrusted = core.countsSender(sender);
  const isAsked = core.counts(core.self, core.config.instanceId);
  // Between two that count it would be an impossible state.
  const contradiction = isTrusted && isAsked ? undefined : contradictedFrom(core, message);
  if (contradiction !== undefined) {
    // Of somebody who counts in nothing, who may lead a cluster that a wiped member formed, it is a
    // mistake. From a leader that counts it means that every voter gave that up, see recovery.ts.
    if (isTrusted) core.outbox.notice({ type: 'historyGivenUp', index: contradiction });
    return;
  }
  if (!hearLeader(core, sender, message, at)) return;
  const { prevLogIndex, prevLogTerm, entries } = message;
  const { log } = core;
  const ownTerm = log.termAt(prevLogIndex);
  // Up to where the log begins everything is committed: of this cluster, so it matches.
  if (prevLogIndex >= log.precedingIndex && ownTerm !== prevLogTerm) {
    assert(prevLogIndex > core.commitIndex, () => {
      return `committed entry ${prevLogIndex} has term ${ownTerm}, the leader's ${prevLogTerm}`;
    });
    rejectAppend(core, message);
    return;
  }
  takeEntries(core, message);
  const last = prevLogIndex + entries.length;
  if (last > core.verifiedIndex) core.verifiedIndex = last;
  endRecoveryIfMet(core);
  core.commitTo(Math.min(message.leaderCommit, core.verifiedIndex));
  core.ackOwed = true;
}

/** The first of the entries that it speaks of which is known here to be committed otherwise. */
function contradictedFrom(core: Core, message: AppendRequest): LogIndex | undefined {
  const differs = (index: LogIndex, term: Term): boolean =>
    index >= core.log.precedingIndex &&
    index <= core.commitIndex &&
    core.log.termAt(index) !== term;
  const { prevLogIndex, prevLogTerm, entries } = message;
  if (differs(prevLogIndex, prevLogTerm)) return prevLogIndex;
  return entries.find(({ index, term }) => differs(index, term))?.index;
}

function takeEntries(core: Core, message: AppendRequest): void {
  const { log } = core;
  let index = message.prevLogIndex;
  for (const entry of message.entries) {
    index += 1;
    assert(entry.index === index, () => `entry ${entry.index} in the place of ${index}`);
    assert(entry.term <= message.term, 'no entry is of a later term than its leader');
    if (index <= log.lastIndex) {
      if (index <= log.precedingIndex) continue;
      if (log.termAt(index) === entry.term) continue;
      // Only a real conflict truncates: an old message must not take back what came after it.
      core.truncateFrom(index);
    }
    core.appendEntry(entry);
  }
}

/** Offers the last place that may still match, whole terms skipped. */
function rejectAppend(core: Core, message: AppendRequest): void {
  const { log } = core;
  const hintIndex = log.lastAtOrBelow(message.prevLogIndex, message.prevLogTerm);
  core.sendWhenDurable(core.leaderId as NodeId, {
    type: 'appendResponse',
    term: core.term,
    token: core.leaderToken,
    result: {
      type: 'conflict',
      rejectedIndex: message.prevLogIndex,
      hintIndex,
      hintTerm: log.termAt(hintIndex) ?? 0,
    },
  });
}

/** May overtake appends, so it commits only what was verified (design rule 6). */
export function handleHeartbeat(
  core: Core,
  sender: Sender,
  message: HeartbeatRequest,
  at: Instant,
): void {
  if (!hearLeader(core, sender, message, at)) return;
  if (message.recoverRun === core.config.bootCount) {
    core.recoverTo = message.recoverTo;
    endRecoveryIfMet(core);
  }
  core.commitTo(Math.min(message.leaderCommit, core.verifiedIndex));
  core.sendWhenDurable(sender.nodeId, {
    type: 'heartbeatResponse',
    term: core.term,
    token: core.leaderToken,
    matchIndex: Math.min(core.verifiedIndex, core.heldIndex),
  });
}

/**
 * Answers the appends of a batch with one message: when all that they brought counts here, with
 * DiskFirst once it is durable, and meanwhile each time the disk has got further.
 */
export function flushAcknowledgement(core: Core): void {
  if (!core.ackOwed || core.leaderId === null || core.leader !== undefined) return;
  const { heldIndex } = core;
  const complete = heldIndex >= core.verifiedIndex;
  if (!complete && !core.ackReady) return;
  core.ackReady = false;
  core.ackOwed = !complete;
  core.sendWhenDurable(core.leaderId, {
    type: 'appendResponse',
    term: core.term,
    token: core.leaderToken,
    result: { type: 'matched', matchIndex: Math.min(core.verifiedIndex, heldIndex) },
  });
}
