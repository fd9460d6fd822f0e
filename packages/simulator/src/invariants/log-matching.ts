import type { LogIndex } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import type { MemberView } from './member-view.ts';
import type { SeenEntries } from './seen-entries.ts';

/**
 * Logs that agree on the term of an entry agree on it and on all before it (Raft paper, figure 3).
 * It is enough that its bytes and what stands right before it are the same in all logs, step by
 * step.
 */
export class LogMatching implements Check {
  readonly name = 'log matching';
  readonly #seen: SeenEntries;

  constructor(seen: SeenEntries) {
    this.#seen = seen;
  }

  step({ member, logChangedFrom }: Step): string | undefined {
    if (logChangedFrom === undefined) return undefined;
    for (let index = logChangedFrom; index <= member.lastLogIndex; index++) {
      const problem = this.#enter(member, index);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #enter(member: MemberView, index: LogIndex): string | undefined {
    const { nodeId } = member;
    const term = member.termAt(index);
    const previousTerm = member.termAt(index - 1);
    if (term === undefined || previousTerm === undefined) {
      return `node ${nodeId} has a gap in its log at ${index}`;
    }
    if (term < previousTerm) return `node ${nodeId}: the term falls at entry ${index}`;
    const checksum = member.checksumAt(index);
    const seen = this.#seen.at(index, term);
    if (seen === undefined) {
      this.#seen.add(index, term, { previousTerm, checksum, nodeId });
      return undefined;
    }
    if (seen.previousTerm !== previousTerm) {
      return `nodes ${seen.nodeId} and ${nodeId} differ before entry ${index} of term ${term}`;
    }
    seen.checksum ??= checksum;
    if (checksum === undefined || seen.checksum === checksum) return undefined;
    return `nodes ${seen.nodeId} and ${nodeId} hold other bytes in entry ${index} of term ${term}`;
  }
}
