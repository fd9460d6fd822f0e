import type { LogIndex, NodeId, Term } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';
import type { Losses } from './losses.ts';
import type { MemberRecord } from './member-record.ts';
import { hasQuorum } from './quorums.ts';

/**
 * A leader commits only what is in the durable logs of a quorum of members that are bound (design
 * rule 2), and only by an entry of its own term (Raft paper, section 5.4.2). Nobody else knows more
 * to be committed than some leader was seen to commit so, not after a start either. What is durable
 * is what each member last said of itself; DurableSurvives holds it to that.
 *
 * Who acknowledges from memory counts with what it ever held there, unless it was recovering; one
 * that recovers counts for a new history that every voter began, with its disk (design rule 3). But
 * what says who belongs to the cluster is on the disks of a quorum under either strategy.
 */
export class DurableQuorum implements Check {
  readonly name = 'commit needs a durable quorum';
  readonly #committed: CommittedEntries;
  readonly #losses: Losses;

  constructor(committed: CommittedEntries, losses: Losses) {
    this.#committed = committed;
    this.#losses = losses;
  }

  step(step: Step): string | undefined {
    const { member, before } = step;
    const { nodeId, commitIndex } = member;
    if (this.#committed.wasGivenUp(commitIndex, member.termAt(commitIndex))) return undefined;
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
    return this.#heldByNoQuorum(step, term) ?? this.#membersOnNoQuorum(step);
  }

  #heldByNoQuorum(step: Step, term: Term): string | undefined {
    const { member } = step;
    const { nodeId, commitIndex } = member;
    const isNewHistory = this.#losses.isNewHistory(term);
    const holds = (voter: NodeId): boolean => {
      if (voter === nodeId) {
        return member.heldIndex >= commitIndex && (!member.isRecovering || isNewHistory);
      }
      const record = step.recordOfBound(voter);
      if (record?.acknowledgesFromMemory === true && record.heldTerms[commitIndex] === term) {
        return true;
      }
      const mayCount = isNewHistory || record?.isRecovering === false;
      return mayCount && holdsDurably(record, commitIndex, term);
    };
    if (hasQuorum(member.configuration, holds)) return undefined;
    const holders = member.configuration.voters.filter(holds).join(', ');
    const where = `durable on no quorum, but on: ${holders}`;
    return `node ${nodeId} committed ${commitIndex}, which is ${where}`;
  }

  #membersOnNoQuorum(step: Step): string | undefined {
    const { member, before } = step;
    let index = member.commitIndex;
    while (index > before.commitIndex && !member.isOfMembers(index)) index -= 1;
    if (index <= before.commitIndex) return undefined;
    const term = member.termAt(index) ?? 0;
    const holds = (voter: NodeId): boolean =>
      voter === member.nodeId
        ? member.durableIndex >= index
        : holdsDurably(step.recordOfBound(voter), index, term);
    if (hasQuorum(member.configuration, holds)) return undefined;
    const holders = member.configuration.voters.filter(holds).join(', ');
    const what = `${index}, which says who belongs to the cluster`;
    return `node ${member.nodeId} committed ${what} and is durable on: ${holders}`;
  }
}

function holdsDurably(record: MemberRecord | undefined, index: LogIndex, term: Term): boolean {
  return record !== undefined && record.durableIndex >= index && record.terms[index] === term;
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
