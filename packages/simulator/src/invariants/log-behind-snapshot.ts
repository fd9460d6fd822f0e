import type { Check, Step } from './check.ts';

/** What a log does not have any more is in a snapshot that survives a power loss. */
export class LogBehindSnapshot implements Check {
  readonly name = 'the log is cut behind a snapshot';

  step({ member, before, isNewLife }: Step): string | undefined {
    const { nodeId, firstLogIndex } = member;
    if (firstLogIndex === 1 || (!isNewLife && firstLogIndex === before.firstLogIndex)) {
      return undefined;
    }
    const newest = Math.max(0, ...member.durableSnapshots().map(({ index }) => index));
    if (newest >= firstLogIndex - 1) return undefined;
    const there = newest === 0 ? 'no snapshot' : `one up to ${newest}`;
    return `the log of node ${nodeId} begins at ${firstLogIndex}; on its platter is ${there}`;
  }
}
