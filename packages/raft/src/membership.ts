import type { Instant, LogIndex, NodeId } from '@d-engine/base';
import { assert, entryKinds } from '@d-engine/base';
import type { Configuration, ConfigurationChange } from './configuration.ts';
import { isJoint, isMember, isVoter } from './configuration.ts';
import type { Core } from './core.ts';
import type { LeaderState } from './leader-state.ts';
import { appendProposals } from './leadership.ts';
import type { MembershipChange } from './membership-change.ts';
import { leaveJoint, planChange } from './membership-change.ts';
import { encodeConfigurationChange } from './membership-codec.ts';
import type { Progress } from './progress.ts';
import { voteResult } from './quorum.ts';
import type { ChangeRefusal, ChangeResult } from './raft-config.ts';
import { broadcastHeartbeat } from './replication.ts';
import { mostCaughtUp } from './transfer.ts';

/*
 * The leader's side of design rule 13. A configuration is in force from its append on, and one
 * change is in flight at a time: the next one, and a binding, waits until it is committed. None is
 * made before an entry of the own term is committed: else two leaders could each have made one from
 * the same start, and a majority of one need not meet a majority of the other.
 */

export function changeMembership(
  core: Core,
  leader: LeaderState,
  change: MembershipChange,
  at: Instant,
): ChangeResult {
  const early = whyNotNow(core, leader);
  if (early !== undefined) return { accepted: false, reason: early };
  const planned = planChange(core.configuration, change);
  if (typeof planned === 'string') return { accepted: false, reason: planned };
  const problem = whyUnsafe(core, leader, change, planned.configuration, at);
  if (problem !== undefined) return { accepted: false, reason: problem };
  return { accepted: true, index: appendChange(core, leader, planned, at), term: core.term };
}

function whyNotNow(core: Core, leader: LeaderState): ChangeRefusal | undefined {
  if (leader.transfer !== undefined) return 'transferring';
  if (core.commitIndex < leader.noopIndex) return 'notReady';
  return core.bindings.lastIndex > core.commitIndex ? 'changeInFlight' : undefined;
}

function whyUnsafe(
  core: Core,
  leader: LeaderState,
  { add, promote }: MembershipChange,
  next: Configuration,
  at: Instant,
): ChangeRefusal | undefined {
  for (const { id, instanceId } of add) {
    // Its log is of another time: what it acknowledged and voted since it was removed is unknown.
    if (instanceId !== undefined && core.bindings.find(id)?.instanceId === instanceId) {
      return 'removedBefore';
    }
  }
  for (const id of promote) {
    const peer = leader.peer(id);
    if (peer === undefined || !canPromote(core, peer, at)) return 'lagging';
  }
  const isThere = (id: NodeId): boolean => {
    const peer = leader.peer(id);
    return id === core.self || (peer !== undefined && isHeard(core, peer, at));
  };
  // What adds learners alone changes no quorum, however many members are down.
  if (isSame(next.voters, core.configuration.voters)) return undefined;
  return voteResult(next.voters, next.outgoingVoters, isThere) === 'won'
    ? undefined
    : 'quorumAtRisk';
}

function isSame(first: readonly NodeId[], second: readonly NodeId[]): boolean {
  return first.length === second.length && first.every((id) => second.includes(id));
}

function isHeard(core: Core, peer: Progress, at: Instant): boolean {
  const { lastContactMs } = peer;
  if (lastContactMs === undefined || !core.counts(peer.nodeId, peer.instanceId)) return false;
  return at.monotonicMs - lastContactMs <= core.config.electionTimeoutMaxMs;
}

/**
 * Whether this learner would hold up nothing as a voter: bound, heard of lately, it holds all that
 * is committed, and its last round was no longer than an election timeout.
 */
export function canPromote(core: Core, peer: Progress, at: Instant): boolean {
  if (!isMember(core.configuration, peer.nodeId)) return false;
  if (isVoter(core.configuration, peer.nodeId) || !isHeard(core, peer, at)) return false;
  if (core.isRecovering(peer.nodeId) || peer.matchIndex < core.commitIndex) return false;
  return peer.catchUp.isWithin(core.config.electionTimeoutMinMs);
}

function appendChange(
  core: Core,
  leader: LeaderState,
  change: ConfigurationChange,
  at: Instant,
): LogIndex {
  const payload = encodeConfigurationChange(change);
  appendProposals(core, leader, [{ kind: entryKinds.configuration, payload }], at);
  return core.bindings.configurationIndex;
}

/**
 * Ends a joint configuration once its entry is committed, whoever began it. Not before: until then
 * a majority of the old half alone may not know of it, and could elect a leader by itself.
 */
export function leaveJointIfDue(core: Core, leader: LeaderState, at: Instant): void {
  const { configuration, bindings, commitIndex } = core;
  if (!isJoint(configuration) || !configuration.autoLeave) return;
  if (commitIndex < leader.noopIndex || bindings.lastIndex > commitIndex) return;
  appendChange(core, leader, leaveJoint(configuration), at);
  assert(!isJoint(core.configuration), 'the joint configuration has ended');
}

/**
 * A leader that was removed leads until that is committed, without counting itself (dissertation,
 * section 4.2.2). Then it tells everybody, and the one that is furthest takes over without waiting.
 */
export function stepDownIfRemoved(core: Core, leader: LeaderState, at: Instant): void {
  if (core.isVoter || core.bindings.configurationIndex > core.commitIndex) return;
  broadcastHeartbeat(core, leader, leader.tokens.current(at));
  const next = mostCaughtUp(core, leader, at);
  const { term } = core;
  if (next !== undefined && next.matchIndex === core.log.lastIndex) {
    core.outbox.send(next.nodeId, { type: 'timeoutNowRequest', term });
  }
  core.becomeFollower(term, null, 'it was removed from the cluster', at);
}
