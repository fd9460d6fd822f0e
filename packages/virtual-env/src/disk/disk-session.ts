import type { DirectoryLock, Disk, DiskFile } from '@d-engine/base';
import { DiskError } from '@d-engine/base';
import type { DiskContext } from './disk-context.ts';
import type { DiskOperation } from './disk-faults.ts';
import { VirtualDiskFile } from './disk-file.ts';

/** The disk as one life of a host sees it. After its end nothing happens and nothing answers. */
export class DiskSession implements Disk {
  readonly #context: DiskContext;

  constructor(context: DiskContext) {
    this.#context = context;
  }

  open(path: string, mode: 'create' | 'readWrite' | 'read'): Promise<DiskFile> {
    const files = this.#context.files;
    return this.#perform('open', path, mode === 'create', () => {
      const node = mode === 'create' ? files.create(path) : files.file(path);
      return new VirtualDiskFile(this.#context, path, node, mode !== 'read');
    });
  }

  list(directory: string): Promise<string[]> {
    return this.#perform('list', directory, false, () => this.#context.files.list(directory));
  }

  exists(path: string): Promise<boolean> {
    const files = this.#context.files;
    return this.#perform('exists', path, false, () => files.find(path) !== undefined);
  }

  makeDirectory(path: string): Promise<void> {
    const files = this.#context.files;
    return this.#perform('makeDirectory', path, true, () => files.makeDirectory(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#perform('rename', from, true, () => this.#context.files.rename(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#perform('remove', path, true, () => this.#context.files.remove(path));
  }

  /** Covers the changes that were complete when it started. */
  async syncDirectory(path: string): Promise<void> {
    const { files, counters } = this.#context;
    const node = files.find(path);
    const mark = node?.type === 'directory' ? node.mark() : 0;
    await this.#perform('syncDirectory', path, true, () => {
      const directory = files.directory(path);
      if (directory === node) files.syncDirectoryUpTo(directory, mark);
      counters.directorySyncs += 1;
    });
  }

  lockDirectory(path: string): Promise<DirectoryLock> {
    const { files, locks, life, normalize } = this.#context;
    const key = normalize(path);
    return this.#perform('lockDirectory', path, false, () => {
      files.directory(path);
      if (locks.has(key)) throw new DiskError('inUse', path, `${path} has another owner`);
      locks.set(key, life);
      let held = true;
      return {
        release: (): Promise<void> => {
          if (held && life.alive) locks.delete(key);
          held = false;
          return life.alive ? Promise.resolve() : new Promise(() => undefined);
        },
      };
    });
  }

  /** `mutates`: in a crash it may have happened although nobody heard of it. */
  #perform<T>(
    operation: DiskOperation,
    path: string,
    mutates: boolean,
    effect: () => T,
  ): Promise<T> {
    const { kernel, life, machine, random } = this.#context;
    const latencyMs =
      operation === 'syncDirectory' ? kernel.options.disk.syncMs : kernel.options.disk.metadataMs;
    return new Promise((resolve, reject) => {
      machine.start({
        life,
        operation,
        path,
        latencyMs,
        bytes: 0,
        finish: () => resolve(effect()),
        fail: reject,
        abandon: () => {
          if (mutates && random.chance(0.5)) ignoreDiskErrors(effect);
        },
      });
    });
  }
}

/** For effects that nobody waits for any more. */
export function ignoreDiskErrors(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
  }
}
