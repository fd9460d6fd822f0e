import { fdatasync, writev } from 'node:fs';

/** Writes all of the chunks, in libuv's pool. */
export function writeAll(
  fd: number,
  position: number,
  chunks: readonly Uint8Array[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (from: number, rest: readonly Uint8Array[]): void => {
      if (rest.length === 0) return resolve();
      writev(fd, rest, from, (error, written) => {
        if (error !== null) return reject(error);
        // Never happens to a regular file; an endless loop would be the worst answer to it.
        if (written === 0) return reject(new Error('a write wrote nothing'));
        next(from + written, withoutFirst(rest, written));
      });
    };
    next(position, withoutFirst(chunks, 0));
  });
}

/** Makes data and length durable, in libuv's pool. */
export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}

export function totalBytes(chunks: readonly Uint8Array[]): number {
  let total = 0;
  for (const chunk of chunks) total += chunk.length;
  return total;
}

/** What is left after `count` bytes, without empty chunks: a disk may take less than given. */
function withoutFirst(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let skipped = 0;
  for (const chunk of chunks) {
    const skip = Math.min(chunk.length, count - skipped);
    skipped += skip;
    if (skip < chunk.length) rest.push(skip === 0 ? chunk : chunk.subarray(skip));
  }
  return rest;
}
