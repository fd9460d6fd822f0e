import type { LogIndex, NodeId, Term } from '@d-engine/base';
import type { Check, Step } from './check.ts';

interface Seen {
  readonly previousTerm: Term;
  readonly nodeId: NodeId;
}

/**
 * Logs that agree on the term of an entry agree on all before it (Raft paper, figure 3). It is
 * enough that what stands right before an entry is the same in all logs, step by step.
 */
export class LogMatching implements Check {
  readonly name = 'log matching';
  readonly #byIndex: Map<Term, Seen>[] = [];

  step({ member, logChangedFrom }: Step): string | undefined {
    if (logChangedFrom === undefined) return undefined;
    for (let index = logChangedFrom; index <= member.lastLogIndex; index++) {
      const problem = this.#enter(
        member.nodeId,
        index,
        member.termAt(index),
        member.termAt(index - 1),
      );
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #enter(
    nodeId: NodeId,
    index: LogIndex,
    term: Term | undefined,
    previousTerm: Term | undefined,
  ): string | undefined {
    if (term === undefined || previousTerm === undefined) {
      return `node ${nodeId} has a gap in its log at ${index}`;
    }
    if (term < previousTerm) return `node ${nodeId}: the term falls at entry ${index}`;
    let byTerm = this.#byIndex[index];
    if (byTerm === undefined) {
      byTerm = new Map();
      this.#byIndex[index] = byTerm;
    }
    const seen = byTerm.get(term);
    if (seen === undefined) byTerm.set(term, { previousTerm, nodeId });
    else if (seen.previousTerm !== previousTerm) {
      return `nodes ${seen.nodeId} and ${nodeId} differ before entry ${index} of term ${term}`;
    }
    return undefined;
  }
}
