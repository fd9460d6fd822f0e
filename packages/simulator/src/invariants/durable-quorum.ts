import type { NodeId, Term } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';
import { hasQuorum } from './quorums.ts';

/**
 * A leader commits only what is in the durable logs of a quorum of members that are bound (design
 * rule 2), and only by an entry of its own term (Raft paper, section 5.4.2). Nobody else knows more
 * to be committed than some leader was seen to commit so, not after a start either. What is durable
 * is what each member last said of itself; DurableSurvives holds it to that.
 */
export class DurableQuorum implements Check {
  readonly name = 'commit needs a durable quorum';
  readonly #committed: CommittedEntries;

  constructor(committed: CommittedEntries) {
    this.#committed = committed;
  }

  step(step: Step): string | undefined {
    const { member, before } = step;
    const { nodeId, commitIndex } = member;
    const isNews = commitIndex > this.#committed.lastIndex;
    const counted = isNews || (commitIndex > before.commitIndex && ledAndLeads(step));
    if (!counted) return undefined;
    const term = ledTerm(step);
    if (term === undefined) {
      const known = `no leader was seen to commit beyond ${this.#committed.lastIndex}`;
      return `node ${nodeId} takes ${commitIndex} for committed; ${known}`;
    }
    const committedTerm = member.termAt(commitIndex);
    if (committedTerm !== term) {
      const what = `${commitIndex} of term ${committedTerm}`;
      return `node ${nodeId} committed ${what} while leading term ${term}`;
    }
    return this.#onNoQuorum(step, term);
  }

  #onNoQuorum(step: Step, term: Term): string | undefined {
    const { member } = step;
    const { nodeId, commitIndex } = member;
    const holds = (voter: NodeId): boolean => {
      if (voter === nodeId) return member.durableIndex >= commitIndex;
      const record = step.recordOfBound(voter);
      if (record === undefined || record.durableIndex < commitIndex) return false;
      return record.terms[commitIndex] === term;
    };
    if (hasQuorum(member.configuration, holds)) return undefined;
    const holders = member.configuration.voters.filter(holds).join(', ');
    const where = `durable on no quorum, but on: ${holders}`;
    return `node ${nodeId} committed ${commitIndex}, which is ${where}`;
  }
}

/** What a member had heard right before its election it commits without counting. */
function ledAndLeads(step: Step): boolean {
  return step.member.role === 'leader' && !becameLeader(step);
}

/** The term in which this step could count; one that leads no more may have done so before. */
function ledTerm({ member, before, isNewLife }: Step): Term | undefined {
  if (member.role === 'leader') return member.term;
  return !isNewLife && before.role === 'leader' ? before.term : undefined;
}
