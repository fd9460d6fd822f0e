import type { Check, Step } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';

/**
 * Whoever counts again, after a start or after it recovered, durably holds all that it ever counted
 * for and that is committed (design rule 3).
 */
export class RecoveredHoldsAll implements Check {
  readonly name = 'a recovered member holds all again';
  readonly #committed: CommittedEntries;

  constructor(committed: CommittedEntries) {
    this.#committed = committed;
  }

  step({ member, before, isNewLife }: Step): string | undefined {
    if (member.isRecovering || (!isNewLife && !before.isRecovering)) return undefined;
    const { nodeId, durableIndex } = member;
    for (let index = 1; index <= this.#committed.lastIndex; index++) {
      const entry = this.#committed.at(index);
      if (entry === undefined || before.heldTerms[index] !== entry.term) continue;
      if (index <= durableIndex && member.termAt(index) === entry.term) continue;
      const lacks = `entry ${index} of term ${entry.term}, which it acknowledged`;
      return `node ${nodeId} counts again and has not on disk ${lacks}`;
    }
    return undefined;
  }
}
