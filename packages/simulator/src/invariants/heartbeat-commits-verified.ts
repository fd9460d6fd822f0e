import type { Check, Step } from './check.ts';

/** A follower commits no more than what it saw to match its leader in this term (rule 6). */
export class HeartbeatCommitsVerified implements Check {
  readonly name = 'heartbeat commits what is verified';

  step({ member, before, isNewLife }: Step): string | undefined {
    const { nodeId, role, commitIndex, verifiedIndex } = member;
    if (isNewLife || role === 'leader') return undefined;
    if (commitIndex <= before.commitIndex || commitIndex <= verifiedIndex) return undefined;
    // It led until this step, and counted: DurableQuorum looks at that.
    if (before.role === 'leader' && member.termAt(commitIndex) === before.term) return undefined;
    return `node ${nodeId} committed ${commitIndex} but verified ${verifiedIndex} in this term`;
  }
}
