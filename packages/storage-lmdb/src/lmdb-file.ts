import { open } from 'node:fs/promises';

// The first two pages of a file of LMDB each say what it is; LMDB itself relies on them and may
// take the process down with it when they are something else.
const pageBytes = 4096;
const magicOffset = 24;
const magic = 0xbeefc0de;
const versionOffset = 28;
const version = 2;

/** Why this is no file of LMDB; undefined when it is one, is empty or is not there. */
export async function problemOf(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(2 * pageBytes);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead === 0) return undefined;
    if (bytesRead < bytes.length) return 'it is cut short';
    const isWhole = [0, pageBytes].every((at) => {
      const hasMagic = bytes.readUInt32LE(at + magicOffset) === magic;
      return hasMagic && bytes.readUInt32LE(at + versionOffset) === version;
    });
    return isWhole ? undefined : 'it is no file of LMDB, or of another version of it';
  } finally {
    await file.close();
  }
}
