import { join } from 'node:path';
import type { Compute, DirectoryLock, Disk, DiskFile } from '@d-engine/base';
import { assert, DiskError } from '@d-engine/base';
import { asError } from '../as-error.ts';
import type {
  SnapshotInfo,
  SnapshotReader,
  SnapshotReceiver,
  SnapshotStore,
} from '../contracts.ts';
import { removeIfPresent } from '../replace-file.ts';
import type { SnapshotHeader, SnapshotSection, SnapshotSections } from '../snapshot-format.ts';
import { StorageDamage } from '../storage-errors.ts';
import { syncParents } from '../sync-parents.ts';
import { ReceivedFile } from './received-file.ts';
import { SnapshotEncoder } from './snapshot-encoder.ts';
import { madeSuffix, receivedSuffix, snapshotName, sortNames } from './snapshot-names.ts';
import { readInfo, readSections } from './snapshot-reading.ts';

export interface SnapshotDirectoryOptions {
  readonly disk: Disk;
  readonly compute: Compute;
  /** `snapshots_dir`: made when it does not exist. One node, one directory. */
  readonly directory: string;
  /** `snapshots_dir_prefix`; `snapshot-` unless told. */
  readonly prefix?: string | undefined;
  /** Whether sections of new snapshots are packed with gzip. */
  readonly compress: boolean;
}

const defaultPrefix = 'snapshot-';

/** Snapshots as files of one directory. */
export class SnapshotDirectory implements SnapshotStore {
  readonly #options: SnapshotDirectoryOptions;
  readonly #prefix: string;
  readonly #lock: DirectoryLock;
  #latest: SnapshotInfo | null = null;
  /** Readers of each file, by its name. */
  readonly #pins = new Map<string, number>();
  #receiver: ReceivedFile | undefined;
  /** Writing, finishing and removing, one after another. Invariant: never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  /** The first failure that says nothing about what is on disk. */
  #failure: Error | undefined;

  private constructor(options: SnapshotDirectoryOptions, lock: DirectoryLock) {
    this.#options = options;
    this.#prefix = options.prefix ?? defaultPrefix;
    this.#lock = lock;
  }

  /**
   * Removes what a crash left incomplete. Rejects with DiskError (`inUse`: another process has
   * it), StorageDamage or UnsupportedFormat of the newest snapshot: the log behind it is gone, so
   * an older one would not do.
   */
  static async open(options: SnapshotDirectoryOptions): Promise<SnapshotDirectory> {
    const { disk, directory } = options;
    await disk.makeDirectory(directory);
    // Each time: an earlier start may have died between the two.
    await syncParents(disk, directory);
    const lock = await disk.lockDirectory(directory);
    const store = new SnapshotDirectory(options, lock);
    try {
      await store.#recover();
    } catch (error) {
      await lock.release();
      throw error;
    }
    return store;
  }

  get latest(): SnapshotInfo | null {
    return this.#latest;
  }

  write(header: SnapshotHeader, sections: SnapshotSections): Promise<SnapshotInfo> {
    return this.#inTurn(async () => {
      const newest = this.#latest?.header.index ?? 0;
      assert(header.index > newest, () => `a snapshot at ${header.index} after one at ${newest}`);
      const path = this.#pathOf(header) + madeSuffix;
      return this.#discardingOnFailure(path, async () => {
        await this.#make(path, header, sections);
        return this.#publish(path, await this.#infoOf(path));
      });
    });
  }

  async *read(): AsyncGenerator<SnapshotSection> {
    const pinned = await this.#pinNewest();
    try {
      const { file, path } = pinned;
      yield* readSections({ file, path, compute: this.#options.compute });
    } finally {
      await pinned.close();
    }
  }

  async open(): Promise<SnapshotReader> {
    const { info, file, close } = await this.#pinNewest();
    return { info, read: (offset, lengthBytes) => file.read(offset, lengthBytes), close };
  }

  receive(header: SnapshotHeader, lengthBytes: number, sha256: string): Promise<SnapshotReceiver> {
    return this.#inTurn(async () => {
      const announced = { header, lengthBytes, sha256 };
      if (this.#receiver?.isOf(announced) === true) return this.#receiver;
      await this.#receiver?.abandon();
      const { disk, compute } = this.#options;
      const path = this.#pathOf(header) + receivedSuffix;
      const receiver = await ReceivedFile.create({
        disk,
        compute,
        path,
        announced,
        finish: (verify) => this.#finish(path, verify),
        onEnd: () => {
          if (this.#receiver === receiver) this.#receiver = undefined;
        },
      });
      this.#receiver = receiver;
      return receiver;
    });
  }

  removeOlder(retainCount: number): Promise<void> {
    return this.#inTurn(async () => {
      const { disk, directory } = this.#options;
      const { complete } = sortNames(await disk.list(directory), this.#prefix);
      for (const { name } of complete.slice(Math.max(1, retainCount))) {
        if (!this.#pins.has(name)) await disk.remove(join(directory, name));
      }
    });
  }

  async close(): Promise<void> {
    await this.#last;
    try {
      if (this.#failure === undefined) await this.#receiver?.abandon();
    } finally {
      await this.#lock.release();
    }
  }

  async #recover(): Promise<void> {
    const { disk, directory } = this.#options;
    const { complete, incomplete } = sortNames(await disk.list(directory), this.#prefix);
    for (const name of incomplete) await disk.remove(join(directory, name));
    const [newest] = complete;
    if (newest === undefined) return;
    // A crash may have come after the rename and before it was durable: it counts from now on.
    await disk.syncDirectory(directory);
    const path = join(directory, newest.name);
    const info = await this.#infoOf(path);
    const { index, term } = info.header;
    if (index !== newest.index || term !== newest.term) {
      const reason = `it is the snapshot ${index}-${term}, not the one that its name says`;
      throw new StorageDamage({ file: path, offset: 0, reason });
    }
    this.#latest = info;
  }

  /** All of the file, synced. */
  async #make(path: string, header: SnapshotHeader, sections: SnapshotSections): Promise<void> {
    const { disk } = this.#options;
    await removeIfPresent(disk, path);
    const file = await disk.open(path, 'create');
    try {
      const encoder = new SnapshotEncoder(header, this.#options);
      let position = 0;
      const append = async (chunks: readonly Uint8Array[]): Promise<void> => {
        await file.write(position, chunks);
        for (const chunk of chunks) position += chunk.length;
      };
      await append(encoder.start());
      for await (const section of sections) await append(await encoder.section(section));
      await append(encoder.end());
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #finish(
    path: string,
    verify: () => Promise<SnapshotInfo>,
  ): Promise<SnapshotInfo | undefined> {
    return this.#inTurn(() =>
      this.#discardingOnFailure(path, async () => {
        const info = await verify();
        if (info.header.index > (this.#latest?.header.index ?? 0)) {
          return this.#publish(path, info);
        }
        await this.#options.disk.remove(path);
        return undefined;
      }),
    );
  }

  /** Gives a file that is whole and synced its final name, for good. */
  async #publish(path: string, info: SnapshotInfo): Promise<SnapshotInfo> {
    const { disk, directory } = this.#options;
    await disk.rename(path, this.#pathOf(info.header));
    await disk.syncDirectory(directory);
    this.#latest = info;
    return info;
  }

  async #pinNewest(): Promise<{
    readonly info: SnapshotInfo;
    readonly file: DiskFile;
    readonly path: string;
    readonly close: () => Promise<void>;
  }> {
    const info = this.#latest;
    assert(info !== null, 'reading a snapshot where there is none');
    const path = this.#pathOf(info.header);
    const { index, term } = info.header;
    const name = snapshotName(this.#prefix, index, term);
    this.#pins.set(name, (this.#pins.get(name) ?? 0) + 1);
    const unpin = (): void => {
      const count = (this.#pins.get(name) ?? 0) - 1;
      if (count > 0) this.#pins.set(name, count);
      else this.#pins.delete(name);
    };
    try {
      const file = await this.#options.disk.open(path, 'read');
      const close = async (): Promise<void> => {
        unpin();
        await file.close();
      };
      return { info, file, path, close };
    } catch (error) {
      unpin();
      throw error;
    }
  }

  async #infoOf(path: string): Promise<SnapshotInfo> {
    const file = await this.#options.disk.open(path, 'read');
    try {
      return await readInfo({ file, path, compute: this.#options.compute });
    } finally {
      await file.close();
    }
  }

  /** What failed is not kept: it may be what fills the disk. */
  async #discardingOnFailure<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DiskError) || error.kind === 'full') {
        await removeIfPresent(this.#options.disk, path);
      }
      throw error;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      try {
        return await work();
      } catch (error) {
        if (error instanceof DiskError && error.kind !== 'full') this.#failure = asError(error);
        throw error;
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  #pathOf({ index, term }: SnapshotHeader): string {
    return join(this.#options.directory, snapshotName(this.#prefix, index, term));
  }
}
