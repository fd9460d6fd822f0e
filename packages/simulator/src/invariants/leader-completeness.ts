import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';

/** A leader's log holds all that was committed in earlier terms (Raft paper, figure 3). */
export class LeaderCompleteness implements Check {
  readonly name = 'leader completeness';
  readonly #committed: CommittedEntries;

  constructor(committed: CommittedEntries) {
    this.#committed = committed;
  }

  step(step: Step): string | undefined {
    if (!becameLeader(step)) return undefined;
    const { member } = step;
    for (let index = 1; index <= this.#committed.lastIndex; index++) {
      const entry = this.#committed.at(index);
      // A leader that was elected late, beside one of a newer term, owes nothing to that one.
      if (entry === undefined || entry.inTerm >= member.term) continue;
      const term = member.termAt(index);
      if (term === entry.term) continue;
      const here = term === undefined ? 'has no such entry' : `has one of term ${term}`;
      const leader = `the leader of term ${member.term}, node ${member.nodeId}`;
      return `entry ${index} of term ${entry.term} is committed, but ${leader}, ${here}`;
    }
    return undefined;
  }
}
