import type { LogIndex } from '@d-engine/base';
import type { VirtualDisk } from '@d-engine/virtual-env';

// How complete ones are called (packages/storage/src/snapshots/snapshot-names.ts).
const namePattern = /^snapshot-(\d+)-\d+$/;

/** Last entries of the snapshots that a power loss right now would leave. */
export function durableSnapshotsIn(disk: VirtualDisk, directory: string): readonly LogIndex[] {
  return (disk.peekNames(directory) ?? []).flatMap((name) => {
    const match = namePattern.exec(name);
    const isThere = disk.peekDurable(`${directory}/${name}`, 0, 0) !== undefined;
    return match === null || !isThere ? [] : [Number(match[1])];
  });
}
