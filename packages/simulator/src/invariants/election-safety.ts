import type { NodeId, Term } from '@d-engine/base';
import type { Check, Step } from './check.ts';
import { becameLeader } from './check.ts';

/** At most one leader a term, over all lives (Raft paper, figure 3). */
export class ElectionSafety implements Check {
  readonly name = 'election safety';
  readonly #leaders = new Map<Term, NodeId>();

  step(step: Step): string | undefined {
    if (!becameLeader(step)) return undefined;
    const { nodeId, term } = step.member;
    const other = this.#leaders.get(term);
    if (other === undefined) this.#leaders.set(term, nodeId);
    else if (other !== nodeId) return `nodes ${other} and ${nodeId} both lead term ${term}`;
    return undefined;
  }
}
