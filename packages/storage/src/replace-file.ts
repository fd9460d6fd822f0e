import { dirname } from 'node:path';
import type { Disk, DiskFile } from '@d-engine/base';
import { DiskError } from '@d-engine/base';

/** Files with this ending were being made when the process died; nothing ever counted on them. */
export const temporarySuffix = '.tmp';

/**
 * Puts a whole file in place in one step: after a crash the old content is there or the new one.
 * Resolves when the new one is durable.
 */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const noRoom = await replaceFileIfRoom(disk, path, content);
  if (noRoom !== undefined) throw noRoom;
}

/**
 * The same, but resolves with the error when there was no room: the old content stands, and it may
 * be tried again. A sync that fails rejects, whatever it says: nobody knows what is on disk then.
 */
export async function replaceFileIfRoom(
  disk: Disk,
  path: string,
  content: Uint8Array,
): Promise<DiskError | undefined> {
  const temporary = path + temporarySuffix;
  await removeIfPresent(disk, temporary);
  const written = await writeNewFile(disk, temporary, content);
  if (written instanceof DiskError) return written;
  try {
    await written.sync();
  } finally {
    await written.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(dirname(path));
  return undefined;
}

/** Open and not synced; or what says that there was no room, and then nothing is left of it. */
async function writeNewFile(
  disk: Disk,
  path: string,
  content: Uint8Array,
): Promise<DiskFile | DiskError> {
  let file: DiskFile | undefined;
  try {
    file = await disk.open(path, 'create');
    await file.write(0, [content]);
    return file;
  } catch (error) {
    await file?.close();
    if (!(error instanceof DiskError) || error.kind !== 'full') throw error;
    // It has what little room there was.
    await removeIfPresent(disk, path);
    return error;
  }
}

/** Without a sync of the directory: a leftover that comes back is removed again next time. */
export async function removeIfPresent(disk: Disk, path: string): Promise<void> {
  if (await disk.exists(path)) await disk.remove(path);
}

export async function readWholeFile(
  disk: Disk,
  path: string,
  bytesMax: number,
): Promise<Uint8Array> {
  const file = await disk.open(path, 'read');
  try {
    return await file.read(0, bytesMax);
  } finally {
    await file.close();
  }
}
