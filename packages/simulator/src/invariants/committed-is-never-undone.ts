import type { LogIndex } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';
import type { MemberRecord } from './member-record.ts';
import type { MemberView } from './member-view.ts';

/**
 * What one member knows to be committed stays, and is the same for all, for ever; but for what a
 * new history gave up, see {@link Losses}.
 */
export class CommittedIsNeverUndone implements Check {
  readonly name = 'committed is never undone';
  readonly #committed: CommittedEntries;

  constructor(committed: CommittedEntries) {
    this.#committed = committed;
  }

  step({ member, before, isNewLife, logChangedFrom }: Step): string | undefined {
    const { nodeId, commitIndex, lastLogIndex } = member;
    if (commitIndex > lastLogIndex) {
      return `node ${nodeId} committed ${commitIndex} beyond its last entry ${lastLogIndex}`;
    }
    const changed = isNewLife ? undefined : logChangedFrom;
    if (changed !== undefined && this.#mayNotChange(before, changed)) {
      const known = `had committed up to ${before.commitIndex}`;
      return `node ${nodeId} ${known} and changed entry ${changed}`;
    }
    // A new life looks at all that it knows; a running one at what is new.
    const known = isNewLife ? 0 : before.commitIndex;
    for (let index = known + 1; index <= commitIndex; index++) {
      const problem = this.#commit(member, index);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** A snapshot may take the place of what its cluster gave up without this member's vote. */
  #mayNotChange({ commitIndex, terms }: MemberRecord, index: LogIndex): boolean {
    return index <= commitIndex && !this.#committed.wasGivenUp(index, terms[index]);
  }

  #commit(member: MemberView, index: LogIndex): string | undefined {
    const term = member.termAt(index) ?? 0;
    // A member whose vote was not asked for may hold what the others gave up.
    if (this.#committed.wasGivenUp(index, term)) return undefined;
    const known = this.#committed.at(index);
    if (known === undefined) {
      // A leader commits by an entry of its own term, the last one of those that it commits.
      const inTerm = member.termAt(member.commitIndex) ?? 0;
      const isOfMembers = member.isOfMembers(index);
      this.#committed.add(index, { term, inTerm, isOfMembers });
      return undefined;
    }
    if (known.term === term) return undefined;
    const here = `on node ${member.nodeId} it is of term ${term}`;
    return `entry ${index} was committed with term ${known.term}; ${here}`;
  }
}
