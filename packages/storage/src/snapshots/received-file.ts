import type { Compute, Disk, DiskFile } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { SnapshotInfo, SnapshotReceiver } from '../contracts.ts';
import { removeIfPresent } from '../replace-file.ts';
import type { SnapshotHeader } from '../snapshot-format.ts';
import { StorageDamage } from '../storage-errors.ts';
import { verifyFile } from './snapshot-reading.ts';

/** What the sender says of the file before its first byte. */
export interface Announced {
  readonly header: SnapshotHeader;
  readonly lengthBytes: number;
  readonly sha256: string;
}

export interface ReceivedFileOptions {
  readonly disk: Disk;
  readonly compute: Compute;
  readonly path: string;
  readonly announced: Announced;
  /** Runs `verify` when no snapshot is being written and gives the file its final name. */
  readonly finish: (verify: () => Promise<SnapshotInfo>) => Promise<SnapshotInfo | undefined>;
  readonly onEnd: () => void;
}

const receivedAdvice =
  'It came from another member: it is fetched again. If that repeats, check the disks of both.';

/** One snapshot that arrives, in a file of its own until it is whole. */
export class ReceivedFile implements SnapshotReceiver {
  readonly #options: ReceivedFileOptions;
  readonly #file: DiskFile;
  #offset = 0;
  #isOpen = true;

  private constructor(options: ReceivedFileOptions, file: DiskFile) {
    this.#options = options;
    this.#file = file;
  }

  static async create(options: ReceivedFileOptions): Promise<ReceivedFile> {
    const { disk, path } = options;
    await removeIfPresent(disk, path);
    return new ReceivedFile(options, await disk.open(path, 'create'));
  }

  get offset(): number {
    return this.#offset;
  }

  isOf({ header, lengthBytes, sha256 }: Announced): boolean {
    const own = this.#options.announced;
    return (
      sameHeader(own.header, header) && own.lengthBytes === lengthBytes && own.sha256 === sha256
    );
  }

  async write(chunk: Uint8Array): Promise<void> {
    assert(this.#isOpen, 'more of a snapshot whose transfer has ended');
    const end = this.#offset + chunk.length;
    if (end > this.#options.announced.lengthBytes) {
      await this.abandon();
      throw this.#damage(this.#offset, 'it is longer than was announced');
    }
    await this.#file.write(this.#offset, [chunk]);
    this.#offset = end;
  }

  async finish(): Promise<SnapshotInfo | undefined> {
    assert(this.#isOpen, 'the end of a snapshot whose transfer has ended');
    try {
      return await this.#options.finish(() => this.#verify());
    } finally {
      await this.#end();
    }
  }

  async abandon(): Promise<void> {
    if (!this.#isOpen) return;
    await this.#end();
    await removeIfPresent(this.#options.disk, this.#options.path);
  }

  async #end(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#options.onEnd();
    await this.#file.close();
  }

  async #verify(): Promise<SnapshotInfo> {
    const { path, compute, announced } = this.#options;
    if (this.#offset !== announced.lengthBytes) {
      throw this.#damage(this.#offset, 'it is shorter than was announced');
    }
    const info = await this.#verifyBytes(path, compute);
    if (info.sha256 !== announced.sha256 || !sameHeader(info.header, announced.header)) {
      throw this.#damage(0, 'it is not the snapshot that was announced');
    }
    await this.#file.sync();
    return info;
  }

  /** The same damage, but nothing that this member ever relied on. */
  async #verifyBytes(path: string, compute: Compute): Promise<SnapshotInfo> {
    try {
      return await verifyFile({ file: this.#file, path, compute });
    } catch (error) {
      if (!(error instanceof StorageDamage)) throw error;
      throw this.#damage(error.offset, 'it did not arrive as it was sent', error);
    }
  }

  #damage(offset: number, reason: string, cause?: unknown): StorageDamage {
    const { path: file } = this.#options;
    return new StorageDamage({ file, offset, reason, advice: receivedAdvice, cause });
  }
}

function sameHeader(left: SnapshotHeader, right: SnapshotHeader): boolean {
  return (
    left.clusterId === right.clusterId &&
    left.formedAtWallMs === right.formedAtWallMs &&
    left.index === right.index &&
    left.term === right.term
  );
}
