import type { NodeId } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';
import type { MemberView } from './member-view.ts';
import { hasQuorum } from './quorums.ts';

/**
 * A member votes once a term across its crashes (Raft paper, figure 2), and a leader was voted
 * for, on disk, by a quorum: a vote that could still be forgotten is none.
 */
export class OneVoteATerm implements Check {
  readonly name = 'one vote a term';

  step(step: Step): string | undefined {
    return this.#votedTwice(step) ?? this.#withoutVotes(step);
  }

  #votedTwice({ member, before }: Step): string | undefined {
    const { nodeId, term, votedFor } = member;
    const first = before.votes.get(term);
    if (first === undefined) return undefined;
    const isSame = votedFor?.nodeId === first.nodeId && votedFor.instanceId === first.instanceId;
    if (isSame) return undefined;
    const now = votedFor === null ? 'forgot it' : `votes for node ${votedFor.nodeId} now`;
    return `node ${nodeId} voted for node ${first.nodeId} in term ${term} and ${now}`;
  }

  #withoutVotes(step: Step): string | undefined {
    if (!becameLeader(step)) return undefined;
    const { member } = step;
    const votes = (voter: NodeId): boolean =>
      voter === member.nodeId
        ? hasOwnVote(member)
        : step.recordOf(voter)?.votes.get(member.term)?.nodeId === member.nodeId;
    if (hasQuorum(member.configuration, votes)) return undefined;
    const voters = member.configuration.voters.filter(votes).join(', ');
    const votesOf = `durable votes of no quorum, but of: ${voters}`;
    return `node ${member.nodeId} leads term ${member.term} with ${votesOf}`;
  }
}

function hasOwnVote({ nodeId, votedFor, isHardStateDurable }: MemberView): boolean {
  return isHardStateDurable && votedFor?.nodeId === nodeId;
}
