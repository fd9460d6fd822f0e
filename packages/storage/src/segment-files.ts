import { join } from 'node:path';
import type { Disk } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { removeIfPresent, temporarySuffix } from './replace-file.ts';

const namePattern = /^(\d{20})\.(segment|summary)$/;
const zeroChunkBytes = 1024 * 1024;
/** So much at a time: one sync of 64 MiB would hold up the appends on the same disk. */
const chunksPerSync = 4;

/** The first segments are smaller: a new node starts at once, and a small one stays small. */
const firstSegmentBytes = 8 * 1024 * 1024;

/** Size of a segment: twice that of the one before, until `segmentBytes`. */
export function segmentCapacity(segmentId: number, segmentBytes: number): number {
  const doublings = Math.min(segmentId - 1, 32);
  return Math.min(segmentBytes, firstSegmentBytes * 2 ** doublings);
}

export function segmentPath(directory: string, segmentId: number): string {
  return join(directory, `${String(segmentId).padStart(20, '0')}.segment`);
}

/** Beside the segment that it is of. */
export function summaryPath(directory: string, segmentId: number): string {
  return join(directory, `${String(segmentId).padStart(20, '0')}.summary`);
}

/** What is in the directory of a log. Ids rise. */
export interface LogDirectory {
  readonly segmentIds: readonly number[];
  readonly summaryIds: readonly number[];
  /** Paths of what a crash left half made. */
  readonly leftovers: readonly string[];
}

export async function listLog(disk: Disk, directory: string): Promise<LogDirectory> {
  const segmentIds: number[] = [];
  const summaryIds: number[] = [];
  const leftovers: string[] = [];
  for (const name of await disk.list(directory)) {
    const match = namePattern.exec(name);
    if (match?.[2] === 'segment') segmentIds.push(Number(match[1]));
    else if (match !== null) summaryIds.push(Number(match[1]));
    else if (name.endsWith(temporarySuffix)) leftovers.push(join(directory, name));
  }
  const byId = (left: number, right: number): number => left - right;
  return { segmentIds: segmentIds.sort(byId), summaryIds: summaryIds.sort(byId), leftovers };
}

/**
 * Makes a segment of zeros: writing into it later changes neither its length nor its place on the
 * disk, so a sync has only the data to wait for. It is there whole, or under a temporary name.
 */
export async function preallocateSegment(
  disk: Disk,
  directory: string,
  segmentId: number,
  segmentBytes: number,
): Promise<void> {
  const capacity = segmentCapacity(segmentId, segmentBytes);
  const path = segmentPath(directory, segmentId);
  const temporary = path + temporarySuffix;
  await removeIfPresent(disk, temporary);
  const file = await disk.open(temporary, 'create');
  try {
    const zeros = Buffer.alloc(Math.min(zeroChunkBytes, capacity));
    let position = 0;
    while (position < capacity) {
      const chunks: Buffer[] = [];
      let bytes = 0;
      while (chunks.length < chunksPerSync && position + bytes < capacity) {
        const chunk = zeros.subarray(0, capacity - position - bytes);
        chunks.push(chunk);
        bytes += chunk.length;
      }
      await file.writeAndSync(position, chunks);
      position += bytes;
    }
    assert(position === capacity, 'a segment of another size was made');
  } catch (error) {
    // Gives the space back, which may be what is missing; the first error is the one that counts.
    await file.close().catch(() => undefined);
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  await file.close();
  assert(!(await disk.exists(path)), () => `${path} is in use and would be replaced by zeros`);
  await disk.rename(temporary, path);
  await disk.syncDirectory(directory);
}
