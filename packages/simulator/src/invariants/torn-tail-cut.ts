import type { Check, Step } from './check.ts';

/**
 * When a member has started, nothing stands on its platter behind the end of its log: what a crash
 * left half written could be taken for a record once the log reaches it.
 */
export class TornTailCut implements Check {
  readonly name = 'a torn tail is cut';

  step({ member, isNewLife }: Step): string | undefined {
    if (!isNewLife) return undefined;
    const { nodeId, lastLogIndex } = member;
    const platter = member.durableLog();
    const next = platter.at(lastLogIndex + 1);
    if (next !== undefined) {
      const there = `entry ${lastLogIndex + 1} of term ${next.term}`;
      return `node ${nodeId} starts with ${lastLogIndex} entries; on its platter stands ${there}`;
    }
    const remains = platter.remains();
    return remains && `node ${nodeId} left bytes behind the end of its log: ${remains}`;
  }
}
