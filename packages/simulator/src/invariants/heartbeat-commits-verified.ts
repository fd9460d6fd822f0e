import type { Check, Step } from './check.ts';

/** A follower commits no more than what it saw to match its leader in this term (rule 6). */
export class HeartbeatCommitsVerified implements Check {
  readonly name = 'heartbeat commits what is verified';

  step({ member, before, isNewLife }: Step): string | undefined {
    const { nodeId, role, commitIndex, verifiedIndex } = member;
    // What it committed as a leader it verified by counting.
    if (isNewLife || role === 'leader' || before.role === 'leader') return undefined;
    if (commitIndex <= before.commitIndex || commitIndex <= verifiedIndex) return undefined;
    return `node ${nodeId} committed ${commitIndex} but verified ${verifiedIndex} in this term`;
  }
}
