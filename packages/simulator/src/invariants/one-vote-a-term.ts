import type { NodeId } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';
import type { DurableSnapshot } from './durable-snapshots.ts';
import type { DurableVote } from './durable-vote.ts';
import type { Losses } from './losses.ts';
import { isSameVote } from './member-record.ts';
import type { MemberView } from './member-view.ts';
import { hasQuorum } from './quorums.ts';

/**
 * A member votes once a term across its crashes (Raft paper, figure 2), and a leader was voted
 * for, on disk, by a quorum of members that are bound (design rule 2): a vote that could still be
 * forgotten is none, nor is that of a member that recovers. Where too few are left that do not, all
 * that are bound vote for one that begins a new history (design rule 3). What a member says to be
 * on disk is on its platter at that moment, in both copies.
 */
export class OneVoteATerm implements Check {
  readonly name = 'one vote a term';
  readonly #losses: Losses;

  constructor(losses: Losses) {
    this.#losses = losses;
  }

  step(step: Step): string | undefined {
    return this.#votedTwice(step) ?? this.#notOnPlatter(step) ?? this.#withoutVotes(step);
  }

  #votedTwice({ member, before }: Step): string | undefined {
    const { nodeId, term, votedFor } = member;
    const first = before.votes.get(term);
    if (first === undefined) return undefined;
    if (isSameVote(votedFor, first)) return undefined;
    const now = votedFor === null ? 'forgot it' : `votes for node ${votedFor.nodeId} now`;
    return `node ${nodeId} voted for node ${first.nodeId} in term ${term} and ${now}`;
  }

  #notOnPlatter({ member, before, isNewLife }: Step): string | undefined {
    const { nodeId, term, votedFor, isHardStateDurable } = member;
    if (!isHardStateDurable) return undefined;
    const isKnown = !isNewLife && before.isHardStateDurable && before.term === term;
    if (isKnown && isSameVote(before.votedFor, votedFor)) return undefined;
    const copies = member.durableVotes();
    if (isOnPlatter(member, copies)) return undefined;
    const vote = `its vote for ${votedFor?.nodeId ?? 'nobody'} in term ${term}`;
    const there = copies.map((copy) => `${copy.votedFor?.nodeId ?? 'nobody'} in ${copy.term}`);
    return `node ${nodeId} takes ${vote} for durable; on its disk stands: ${there.join(', ')}`;
  }

  #withoutVotes(step: Step): string | undefined {
    if (!becameLeader(step)) return undefined;
    const { member } = step;
    const votes = (voter: NodeId): boolean =>
      voter === member.nodeId
        ? hasOwnVote(member)
        : step.recordOfBound(voter)?.votes.get(member.term)?.nodeId === member.nodeId;
    const counts = (voter: NodeId): boolean =>
      voter === member.nodeId
        ? !member.isRecovering
        : step.recordOfBound(voter)?.votesInRecovery.has(member.term) === false;
    if (hasQuorum(member.configuration, (voter) => votes(voter) && counts(voter))) return undefined;
    const { voters: incoming, outgoingVoters } = member.configuration;
    const bound = [...incoming, ...outgoingVoters].filter(
      (voter) => member.boundInstance(voter) !== undefined,
    );
    if (this.#losses.isNewHistory(member.term) && bound.every(votes)) return undefined;
    const voters = bound
      .filter(votes)
      .map((voter) => `${voter}${counts(voter) ? '' : ' (recovers)'}`);
    const votesOf = `durable votes of no quorum, but of: ${voters.join(', ')}`;
    return `node ${member.nodeId} leads term ${member.term} with ${votesOf}`;
  }
}

function hasOwnVote({ nodeId, votedFor, isHardStateDurable }: MemberView): boolean {
  return isHardStateDurable && votedFor?.nodeId === nodeId;
}

/**
 * A vote, or none, in both copies; or a later term without a vote, which its last entry proves, in
 * the log or in the snapshot that a leader sent.
 */
function isOnPlatter(member: MemberView, copies: readonly DurableVote[]): boolean {
  const { term, votedFor, lastLogIndex } = member;
  if (copies.length < 2) return false;
  if (copies.every((copy) => copy.term === term && isSameVote(copy.votedFor, votedFor)))
    return true;
  if (votedFor !== null || copies.some((copy) => copy.term >= term)) return false;
  if (member.durableLog().at(lastLogIndex)?.term === term) return true;
  const endsLog = (snapshot: DurableSnapshot): boolean =>
    snapshot.index === lastLogIndex && snapshot.term === term;
  return member.durableSnapshots().some(endsLog);
}
