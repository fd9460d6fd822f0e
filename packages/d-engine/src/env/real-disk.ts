import { open } from 'node:fs';
import { mkdir, open as openHandle, readdir, rename, stat, unlink } from 'node:fs/promises';
import type { DirectoryLock, Disk, DiskFile } from '@d-engine/base';
import { DiskError } from '@d-engine/base';
import { lockDirectory } from './directory-lock.ts';
import { errorCode, toDiskError } from './disk-errors.ts';
import { type Flushers, RealDiskFile } from './disk-file.ts';
import { FlushThread } from './disk-flush-thread.ts';

const flags = { create: 'wx+', readWrite: 'r+', read: 'r' } as const;
/** What a node stores is nobody else's to read. */
const fileMode = 0o600;

/** The machine's files. */
export class RealDisk implements Disk {
  readonly #flushers: Flushers = {
    urgent: new FlushThread({ name: 'd-engine flush' }),
    bulk: new FlushThread({ name: 'd-engine bulk flush' }),
  };

  /** Whether flushes are past libuv's pool by now: some ten milliseconds after the first one. */
  get flushesOnThread(): boolean {
    const { urgent, bulk } = this.#flushers;
    return urgent.isRunning && !bulk.isStarting;
  }

  open(path: string, mode: 'create' | 'readWrite' | 'read'): Promise<DiskFile> {
    return new Promise((resolve, reject) => {
      open(path, flags[mode], fileMode, (error, fd) => {
        if (error === null) resolve(new RealDiskFile(fd, path, this.#flushers));
        else reject(toDiskError(error, path));
      });
    });
  }

  async list(directory: string): Promise<string[]> {
    const names = await mapped(directory, readdir(directory));
    return names.sort();
  }

  async exists(path: string): Promise<boolean> {
    try {
      await stat(path);
      return true;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return false;
      throw toDiskError(error, path);
    }
  }

  async makeDirectory(path: string): Promise<void> {
    try {
      await mkdir(path, { recursive: true });
    } catch (error) {
      const isFile = ['EEXIST', 'ENOTDIR'].includes(errorCode(error));
      if (!isFile) throw toDiskError(error, path);
      const message = `${path}, or a part of this path, is a file: a directory is needed there`;
      throw new DiskError('exists', path, message, { cause: error });
    }
  }

  rename(from: string, to: string): Promise<void> {
    return mapped(from, rename(from, to));
  }

  remove(path: string): Promise<void> {
    return mapped(path, unlink(path));
  }

  syncDirectory(path: string): Promise<void> {
    return mapped(path, syncDirectory(path));
  }

  lockDirectory(path: string): Promise<DirectoryLock> {
    return lockDirectory(path);
  }

  /** Ends the threads. Close the files first: a flush that is still in flight fails. */
  async close(): Promise<void> {
    await Promise.all([this.#flushers.urgent.close(), this.#flushers.bulk.close()]);
  }
}

async function mapped<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toDiskError(error, path);
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot sync a directory: its file systems log such changes by themselves.
  if (process.platform === 'win32') return;
  const directory = await openHandle(path, 'r');
  try {
    await directory.sync();
  } catch (error) {
    // Some file systems have no such thing (FUSE, 9p); where they do, a failure counts.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(errorCode(error))) throw error;
  } finally {
    await directory.close();
  }
}
