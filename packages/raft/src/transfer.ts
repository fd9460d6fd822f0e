import type { Instant, NodeId } from '@d-engine/base';
import type { Core } from './core.ts';
import type { LeaderState } from './leader-state.ts';
import type { Progress } from './progress.ts';

/** Begins to hand leadership over (dissertation, 3.10). False: there is nobody to hand it to. */
export function beginTransfer(
  core: Core,
  leader: LeaderState,
  target: NodeId | undefined,
  at: Instant,
): boolean {
  if (leader.transfer !== undefined) {
    return target === undefined || target === leader.transfer.target;
  }
  const chosen = target === undefined ? mostCaughtUp(core, leader, at) : leader.peer(target);
  if (chosen === undefined || !isCandidate(core, chosen)) return false;
  const deadlineMs = at.monotonicMs + core.config.electionTimeoutMaxMs;
  leader.transfer = { target: chosen.nodeId, deadlineMs };
  return true;
}

function isCandidate(core: Core, peer: Progress): boolean {
  // Who is on its way out would have to hand over again.
  if (!core.configuration.voters.includes(peer.nodeId)) return false;
  if (core.isRecovering(peer.nodeId)) return false;
  return core.counts(peer.nodeId, peer.instanceId);
}

export function mostCaughtUp(core: Core, leader: LeaderState, at: Instant): Progress | undefined {
  const heardSinceMs = at.monotonicMs - core.config.electionTimeoutMaxMs;
  let best: Progress | undefined;
  for (const peer of leader.peers) {
    if (!isCandidate(core, peer) || (peer.lastContactMs ?? 0) < heardSinceMs) continue;
    if (best === undefined || peer.matchIndex > best.matchIndex) best = peer;
  }
  return best;
}

/** Tells the target to campaign as soon as it has everything. */
export function flushTransfer(core: Core, leader: LeaderState): void {
  const { transfer } = leader;
  if (transfer === undefined || leader.timeoutNowSentTo === transfer.target) return;
  const peer = leader.peer(transfer.target);
  if (peer === undefined || peer.matchIndex !== core.log.lastIndex) return;
  // From here on another may lead before our lease has run out, so it is void (design rule 4).
  leader.timeoutNowSent = true;
  leader.timeoutNowSentTo = transfer.target;
  core.outbox.send(transfer.target, { type: 'timeoutNowRequest', term: core.term });
}

/** The target did not take over in time: go on leading, though without a lease. */
export function abortLateTransfer(core: Core, leader: LeaderState, at: Instant): void {
  const { transfer } = leader;
  if (transfer === undefined || at.monotonicMs < transfer.deadlineMs) return;
  leader.transfer = undefined;
  leader.timeoutNowSentTo = undefined;
  core.outbox.notice({ type: 'transferTimedOut', target: transfer.target });
}
