import type { DiskFile } from '@d-engine/base';
import { assert } from '@d-engine/base';

const chunkBytes = 1024 * 1024;

/**
 * Makes a region durable that was only read so far. A sync alone is not enough: after a failed one
 * in an earlier run the system may hold pages that it believes to be on disk. So the same bytes are
 * written again, then synced; a crash in between changes nothing.
 */
export async function rewriteAndSync(file: DiskFile, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += chunkBytes) {
    const bytes = await file.read(start, Math.min(chunkBytes, to - start));
    assert(bytes.length === Math.min(chunkBytes, to - start), 'the segment got shorter');
    await file.write(start, [bytes]);
  }
  await file.sync();
}

/** Cuts a torn tail. Its remains must never be met again behind a shorter record. */
export async function zeroAndSync(file: DiskFile, from: number, to: number): Promise<void> {
  if (from >= to) return;
  const zeros = Buffer.alloc(Math.min(chunkBytes, to - from));
  for (let start = from; start < to; start += chunkBytes) {
    await file.write(start, [zeros.subarray(0, Math.min(chunkBytes, to - start))]);
  }
  await file.sync();
}
