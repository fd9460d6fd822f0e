import type { LogIndex, NodeId } from '@d-engine/base';
import { assert, must } from '@d-engine/base';
import type { AppliedState } from './applied-states.ts';
import type { Check, Step } from './check.ts';
import type { CommittedEntries } from './committed-entries.ts';
import type { Losses } from './losses.ts';

/**
 * The same index, the same state (Raft paper, section 5.4.3), at each index and not only where
 * batches end; nothing above the commit index.
 */
export class StateMachineSafety implements Check {
  readonly name = 'state machine safety';
  readonly #committed: CommittedEntries;
  readonly #losses: Losses;
  #lossesSeen = 0;
  /** By index, from 1 on: whoever applied it first. */
  readonly #first: { readonly hash: string; readonly nodeId: NodeId }[] = [];

  constructor(committed: CommittedEntries, losses: Losses) {
    this.#committed = committed;
    this.#losses = losses;
  }

  step({ member, before, isNewLife }: Step): string | undefined {
    this.#giveUp();
    const { nodeId, appliedIndex, commitIndex } = member;
    // Where it falls, another check says so.
    if (!isNewLife && appliedIndex <= before.appliedIndex) return undefined;
    if (appliedIndex > commitIndex) {
      return `node ${nodeId} applied ${appliedIndex} above its commit index ${commitIndex}`;
    }
    const states = member.takeAppliedStates();
    for (const state of states) {
      // Of a history that the others gave up, by a member that was not asked.
      if (this.#committed.wasGivenUp(state.index, member.termAt(state.index))) continue;
      const problem = this.#compare(nodeId, state);
      if (problem !== undefined) return problem;
    }
    // Else this check would look at nothing, and find nothing.
    assert(appliedIndex === 0 || states.at(-1)?.index === appliedIndex, () => {
      return `node ${nodeId} was not seen to apply ${appliedIndex}`;
    });
    return undefined;
  }

  /** The states of what is lost will not come again: others take their place. */
  #giveUp(): void {
    for (; this.#lossesSeen < this.#losses.all.length; this.#lossesSeen++) {
      const { from } = must(this.#losses.all[this.#lossesSeen], 'a loss');
      this.#first.length = Math.min(this.#first.length, from - 1);
    }
  }

  #compare(nodeId: NodeId, { index, hash }: AppliedState): string | undefined {
    const first = this.#first[index - 1];
    if (first === undefined) {
      const next: LogIndex = this.#first.length + 1;
      if (index !== next) return `node ${nodeId} applied ${index} before anybody applied ${next}`;
      this.#first.push({ hash, nodeId });
    } else if (first.hash !== hash) {
      return `nodes ${first.nodeId} and ${nodeId} differ at index ${index}`;
    }
    return undefined;
  }
}
