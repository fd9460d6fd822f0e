import { silentLogger } from '@d-engine/base';
import type { Storage, StorageWrite } from '../src/contracts.ts';
import type { OpenStorageOptions } from '../src/open-storage.ts';
import { openStorage } from '../src/open-storage.ts';
import type { CrashDisk } from './crash-disk.ts';
import { owner } from './fixtures.ts';
import { testCompute } from './snapshot-fixtures.ts';

export const dataDirectory = '/srv/d-engine/1';

/** The directory of node 1, whose log files are small. */
export function openTestStorage(
  disk: CrashDisk,
  options: Partial<OpenStorageOptions> = {},
): Promise<Storage> {
  return openStorage({
    disk,
    compute: testCompute,
    directory: dataDirectory,
    nodeId: 1,
    newInstanceId: () => owner,
    logger: silentLogger,
    segmentBytes: 4096,
    ...options,
  });
}

/** Nothing but these. */
export function writeOf(parts: Partial<StorageWrite>): StorageWrite {
  const nothing = { hardState: undefined, reset: undefined, truncateFrom: undefined };
  return { writeId: 1, ...nothing, entries: [], commitIndex: 0, ...parts };
}
