import { dirname } from 'node:path';
import type { Disk } from '@d-engine/base';

/** Files with this ending were being made when the process died; nothing ever counted on them. */
export const temporarySuffix = '.tmp';

/**
 * Puts a whole file in place in one step: after a crash the old content is there or the new one.
 * Resolves when the new one is durable.
 */
export async function replaceFile(disk: Disk, path: string, content: Uint8Array): Promise<void> {
  const temporary = path + temporarySuffix;
  await removeIfPresent(disk, temporary);
  const file = await disk.open(temporary, 'create');
  try {
    await file.writeAndSync(0, [content]);
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncDirectory(dirname(path));
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
