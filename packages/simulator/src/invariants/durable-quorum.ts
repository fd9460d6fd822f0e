import type { NodeId } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import { hasQuorum } from './quorums.ts';

/**
 * A leader commits only what is in the durable logs of a quorum, and only by an entry of its own
 * term (Raft paper, section 5.4.2). What is durable is what each member last said of itself;
 * DurableSurvives holds it to that.
 */
export class DurableQuorum implements Check {
  readonly name = 'commit needs a durable quorum';

  step(step: Step): string | undefined {
    const { member, before, isNewLife } = step;
    const { nodeId, commitIndex, term } = member;
    const led = !isNewLife && before.role === 'leader' && before.term === term;
    if (member.role !== 'leader' || !led || commitIndex <= before.commitIndex) return undefined;
    const committedTerm = member.termAt(commitIndex);
    if (committedTerm !== term) {
      const what = `${commitIndex} of term ${committedTerm}`;
      return `node ${nodeId} committed ${what} while leading term ${term}`;
    }
    const holds = (voter: NodeId): boolean => {
      if (voter === nodeId) return member.durableIndex >= commitIndex;
      const record = step.recordOf(voter);
      if (record === undefined || record.durableIndex < commitIndex) return false;
      return record.terms[commitIndex] === committedTerm;
    };
    if (hasQuorum(member.configuration, holds)) return undefined;
    const holders = member.configuration.voters.filter(holds).join(', ');
    const where = `durable on no quorum, but on: ${holders}`;
    return `node ${nodeId} committed ${commitIndex}, which is ${where}`;
  }
}
