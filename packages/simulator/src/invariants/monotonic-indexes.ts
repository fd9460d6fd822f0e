import type { Check, Step } from './check.ts';

/** Term, commit and applied index never fall in a life; a term that was told, in no life. */
export class MonotonicIndexes implements Check {
  readonly name = 'monotonic indexes';

  step({ member, before, isNewLife }: Step): string | undefined {
    const { nodeId, term, commitIndex, appliedIndex } = member;
    if (isNewLife) {
      if (term >= before.durableTerm) return undefined;
      return `node ${nodeId} forgot term ${before.durableTerm} and starts in ${term}`;
    }
    if (term < before.term) return `node ${nodeId}: term ${before.term} fell to ${term}`;
    if (commitIndex < before.commitIndex) {
      return `node ${nodeId}: commit index ${before.commitIndex} fell to ${commitIndex}`;
    }
    if (appliedIndex < before.appliedIndex) {
      return `node ${nodeId}: applied index ${before.appliedIndex} fell to ${appliedIndex}`;
    }
    return undefined;
  }
}
