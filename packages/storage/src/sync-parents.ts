import { dirname } from 'node:path';
import type { Disk } from '@d-engine/base';
import { DiskError } from '@d-engine/base';

/** A new directory lasts only once its parents know it. */
export async function syncParents(disk: Disk, directory: string): Promise<void> {
  let child = directory;
  for (let parent = dirname(child); parent !== child; parent = dirname(child)) {
    try {
      await disk.syncDirectory(parent);
    } catch (error) {
      // Far up there are directories that this process may not open; they are not new either.
      if (error instanceof DiskError && error.kind === 'permission') return;
      throw error;
    }
    child = parent;
  }
}
