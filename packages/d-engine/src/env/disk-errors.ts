import type { DiskErrorKind } from '@d-engine/base';
import { DiskError } from '@d-engine/base';

const kinds: ReadonlyMap<string, DiskErrorKind> = new Map([
  ['ENOENT', 'notFound'],
  ['EEXIST', 'exists'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['EACCES', 'permission'],
  ['EPERM', 'permission'],
  ['EROFS', 'permission'],
]);

/** The system's name of the failure (`ENOENT`), or an empty string. */
export function errorCode(error: unknown): string {
  // Not by its class: under Jest the system's errors are of another one than our own.
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** What a file system call threw, as the {@link DiskError} that `Disk` promises. */
export function toDiskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const kind = kinds.get(errorCode(error)) ?? 'io';
  const message = error instanceof Error ? error.message : String(error);
  // Calls on an open file do not name it.
  const text = message.includes(path) ? message : `${message}, '${path}'`;
  return new DiskError(kind, path, text, { cause: error });
}
