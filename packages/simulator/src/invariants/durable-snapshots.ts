import type { LogIndex, Term } from '@d-engine/base';
import type { VirtualDisk } from '@d-engine/virtual-env';

// How complete ones are called (packages/storage/src/snapshots/snapshot-names.ts).
const namePattern = /^snapshot-(\d+)-(\d+)$/;

/** Its last entry. */
export interface DurableSnapshot {
  readonly index: LogIndex;
  readonly term: Term;
}

/** The snapshots that a power loss right now would leave. */
export function durableSnapshotsIn(
  disk: VirtualDisk,
  directory: string,
): readonly DurableSnapshot[] {
  return (disk.peekNames(directory) ?? []).flatMap((name) => {
    const match = namePattern.exec(name);
    const isThere = disk.peekDurable(`${directory}/${name}`, 0, 0) !== undefined;
    return match === null || !isThere ? [] : [{ index: Number(match[1]), term: Number(match[2]) }];
  });
}
