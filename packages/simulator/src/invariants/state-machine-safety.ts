import type { LogIndex, NodeId } from '@d-engine/base';
import type { Check, Step } from './check.ts';

/** The same index, the same state (Raft paper, section 5.4.3); nothing above the commit index. */
export class StateMachineSafety implements Check {
  readonly name = 'state machine safety';
  readonly #hashes = new Map<LogIndex, { readonly hash: string; readonly nodeId: NodeId }>();

  step({ member, before, isNewLife }: Step): string | undefined {
    const { nodeId, appliedIndex, commitIndex } = member;
    if (!isNewLife && appliedIndex === before.appliedIndex) return undefined;
    if (appliedIndex > commitIndex) {
      return `node ${nodeId} applied ${appliedIndex} above its commit index ${commitIndex}`;
    }
    const hash = member.stateHash();
    const known = this.#hashes.get(appliedIndex);
    if (known === undefined) this.#hashes.set(appliedIndex, { hash, nodeId });
    else if (known.hash !== hash) {
      return `nodes ${known.nodeId} and ${nodeId} differ at index ${appliedIndex}`;
    }
    return undefined;
  }
}
