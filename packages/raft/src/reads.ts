import type { Instant, NodeId } from '@d-engine/base';
import { isOnlyVoter } from './configuration.ts';
import type { Core } from './core.ts';
import type { LeaderState } from './leader-state.ts';
import type { ReadIndexRequest, ReadIndexResponse, Sender } from './messages.ts';
import type { PendingRead } from './read-index.ts';
import { broadcastHeartbeat, quorumToken } from './replication.ts';

/** A linearizable read of this member's own clients (dissertation, 6.4). */
export function askReadIndex(core: Core, readId: number): void {
  const { leader } = core;
  const taken =
    leader === undefined
      ? core.leaderId !== null && core.forwardedReads.add(readId)
      : addRead(core, leader, readId, undefined);
  if (!taken) core.outbox.readRefused(readId);
}

function addRead(
  core: Core,
  leader: LeaderState,
  readId: number,
  from: NodeId | undefined,
): boolean {
  const ready = core.commitIndex >= leader.noopIndex;
  return leader.reads.add({ readId, from, index: core.commitIndex }, ready);
}

export function handleReadIndexRequest(
  core: Core,
  sender: Sender,
  message: ReadIndexRequest,
): void {
  const { leader } = core;
  const sameTerm = leader !== undefined && message.term === core.term;
  if (sameTerm && addRead(core, leader, message.readId, sender.nodeId)) return;
  core.sendWhenDurable(sender.nodeId, {
    type: 'readIndexResponse',
    term: core.term,
    readId: message.readId,
    index: undefined,
  });
}

export function handleReadIndexResponse(
  core: Core,
  sender: Sender,
  message: ReadIndexResponse,
): void {
  if (core.leaderId !== sender.nodeId || message.term !== core.term) return;
  for (const readId of core.forwardedReads.answered(message.readId)) {
    if (message.index === undefined) core.outbox.readRefused(readId);
    else core.outbox.readReady(readId, message.index);
  }
}

/** Lets out what is confirmed, and starts a round for what gathered. */
export function flushLeaderReads(core: Core, leader: LeaderState, at: Instant): void {
  const { reads } = leader;
  if (reads.count === 0) return;
  if (isOnlyVoter(core.configuration, core.self)) {
    // Rounds are on their way if others were voters until now.
    answerReads(core, reads.confirm(leader.tokens.latest));
    answerReads(core, reads.takeGathering());
    return;
  }
  answerReads(core, reads.confirm(quorumToken(core, leader)));
  if (!reads.wantsRound(at.monotonicMs, core.config.heartbeatIntervalMs)) return;
  // Nothing that left before the reads came may confirm them, so the token is a fresh one.
  const token = leader.tokens.fresh(at);
  reads.startRound(token, at.monotonicMs);
  broadcastHeartbeat(core, leader, token);
}

function answerReads(core: Core, confirmed: readonly PendingRead[]): void {
  for (const { readId, index, from } of confirmed) {
    if (from === undefined) core.outbox.readReady(readId, index);
    else {
      const { term } = core;
      core.outbox.send(from, { type: 'readIndexResponse', term, readId, index });
    }
  }
}

/** Asks the leader about the reads that came in this batch. */
export function flushForwardedReads(core: Core, at: Instant): void {
  const { leaderId, term } = core;
  if (leaderId === null || leaderId === core.self) return;
  const readId = core.forwardedReads.ask(at.monotonicMs);
  if (readId === undefined) return;
  core.outbox.send(leaderId, { type: 'readIndexRequest', term, readId });
}

/** When the oldest question has waited for too long. */
export function forwardedReadsDeadlineMs(core: Core): number {
  const askedMs = core.forwardedReads.oldestAskedMs();
  if (askedMs === undefined) return Number.POSITIVE_INFINITY;
  return askedMs + core.config.electionTimeoutMaxMs;
}

export function refuseOldForwardedReads(core: Core, at: Instant): void {
  const askedBeforeMs = at.monotonicMs - core.config.electionTimeoutMaxMs;
  for (const readId of core.forwardedReads.takeAskedBefore(askedBeforeMs)) {
    core.outbox.readRefused(readId);
  }
}
