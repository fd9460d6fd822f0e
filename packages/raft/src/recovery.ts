import type { LogIndex, NodeId } from '@d-engine/base';
import { otherVoters } from './configuration.ts';
import type { Core } from './core.ts';
import type { LeaderState } from './leader-state.ts';
import type { RecoveryGoal } from './messages.ts';
import type { Progress } from './progress.ts';
import type { VoteResult } from './quorum.ts';
import { voteResult } from './quorum.ts';

/*
 * With MemFirst a member may have acknowledged what it has forgotten after a crash. Until it holds
 * again all that it can have acknowledged it counts in nothing (design rule 3). Else: A and B
 * commit entries 11 to 100 in memory, B comes back with 10 and elects C, which has as few.
 */

const noGoal: RecoveryGoal = { recoverRun: 0, recoverTo: 0 };

/**
 * Whether the voters that are known to count, and not to recover, are too few to elect anybody.
 * Where that is wrong, because this member knows too little, all of them do no harm either: among
 * all voters is every quorum.
 */
export function needsEveryVoter(core: Core): boolean {
  const { bindings, configuration, runs } = core;
  if (!core.recovering && !runs.anyRecovering) return false;
  if (bindings.bootstrap === undefined) return false;
  const { voters, outgoingVoters } = configuration;
  const mayCount = (id: NodeId): boolean =>
    core.counts(id, bindings.find(id)?.instanceId) && !core.isRecovering(id);
  return voteResult(voters, outgoingVoters, mayCount) === 'lost';
}

/**
 * Won once every voter that is bound has granted its vote: together they hold all that is left, and
 * the winner's log has all that any of theirs has. A binding that is not known to be committed is
 * asked for as well: it may be, and its member may have helped to commit.
 */
export function everyVoteResult(core: Core): VoteResult {
  const union = [core.self, ...otherVoters(core.configuration, core.self)];
  let result: VoteResult = 'won';
  for (const id of union) {
    if (core.bindings.find(id) === undefined || core.goneVoters.includes(id)) continue;
    const vote = core.votes.get(id);
    if (vote === undefined) result = 'pending';
    else if (!vote.granted) return 'lost';
  }
  return result;
}

/**
 * From which entry on the log of this member counts in commits: of a recovering one nothing does.
 * But where a new history began by the will of every voter, what is in doubt was given up: whoever
 * durably holds its beginning counts for it.
 */
export function weighsFrom(core: Core, leader: LeaderState, nodeId: NodeId): LogIndex {
  if (!core.isRecovering(nodeId)) return 0;
  return leader.beganHistory ? leader.noopIndex : Number.POSITIVE_INFINITY;
}

/** This leader can neither commit its first entry nor be replaced while it leads. */
export function cannotBegin(core: Core, leader: LeaderState): boolean {
  return core.commitIndex < leader.noopIndex && !leader.beganHistory && needsEveryVoter(core);
}

/**
 * What this peer has to hold durably to count again. Nothing that an earlier run of it acknowledged
 * to this leader, or to one before, is beyond the end of the log at the time of its hello or later,
 * once the leader's own first entry is committed.
 */
export function recoveryGoal(core: Core, leader: LeaderState, peer: Progress): RecoveryGoal {
  if (!core.runs.anyRecovering) return noGoal;
  const { nodeId, instanceId } = peer;
  const bootCount = core.runs.bootCountOf(nodeId, instanceId);
  if (bootCount === undefined || !core.runs.isRecovering(nodeId, instanceId)) return noGoal;
  if (core.commitIndex < leader.noopIndex) return noGoal;
  if (peer.recovery?.recoverRun !== bootCount) {
    peer.recovery = { recoverRun: bootCount, recoverTo: core.log.lastIndex };
  }
  return peer.recovery;
}

/** A follower that durably holds what its leader asked for counts again. */
export function endRecoveryIfMet(core: Core): void {
  const { recoverTo, verifiedIndex, durableIndex } = core;
  if (!core.recovering || recoverTo === undefined) return;
  if (Math.min(verifiedIndex, durableIndex) < recoverTo) return;
  endRecovery(core);
}

/** A leader that was elected by every voter counts again with the history that it began. */
export function endOwnRecoveryIfMet(core: Core, leader: LeaderState): void {
  if (!core.recovering || core.commitIndex < leader.noopIndex) return;
  if (core.durableIndex >= leader.noopIndex) endRecovery(core);
}

function endRecovery(core: Core): void {
  core.recovering = false;
  core.outbox.notice({ type: 'recovered' });
}
