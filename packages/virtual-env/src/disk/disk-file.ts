import type { DiskFile } from '@d-engine/base';
import { assert, DiskError } from '@d-engine/base';
import type { Range } from '../options.ts';
import type { DiskContext } from './disk-context.ts';
import type { DiskOperation } from './disk-faults.ts';
import type { FileNode } from './file-node.ts';

interface FileWork {
  readonly operation: DiskOperation;
  readonly latencyMs: Range;
  readonly bytes?: number;
  readonly finish: () => void;
  readonly fail: (error: DiskError) => void;
  readonly spoil?: () => void;
  readonly abandon?: () => void;
}

/** An open file of one life. Operations in flight together may complete in any order. */
export class VirtualDiskFile implements DiskFile {
  readonly #context: DiskContext;
  readonly #path: string;
  readonly #node: FileNode;
  readonly #writable: boolean;
  #open = true;

  constructor(context: DiskContext, path: string, node: FileNode, writable: boolean) {
    this.#context = context;
    this.#path = path;
    this.#node = node;
    this.#writable = writable;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    assert(position >= 0 && length >= 0, () => `cannot read ${length} bytes at ${position}`);
    return new Promise((resolve, reject) => {
      const latencyMs = this.#context.kernel.options.disk.readMs;
      const finish = (): void => {
        this.#context.counters.reads += 1;
        resolve(this.#node.read(position, length));
      };
      this.#start({ operation: 'read', latencyMs, bytes: length, finish, fail: reject });
    });
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => this.#write(position, chunks, resolve, reject));
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => this.#sync(resolve, reject));
  }

  writeAndSync(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#write(position, chunks, () => this.#sync(resolve, reject), reject);
    });
  }

  truncate(length: number): Promise<void> {
    assert(length >= 0, () => `a file cannot be ${length} bytes long`);
    const { files, kernel, random } = this.#context;
    return new Promise((resolve, reject) => {
      const effect = (): void => files.truncate(this.#node, length);
      this.#start({
        operation: 'truncate',
        latencyMs: kernel.options.disk.metadataMs,
        finish: () => {
          effect();
          resolve();
        },
        fail: reject,
        abandon: () => {
          if (random.chance(0.5)) effect();
        },
      });
    });
  }

  size(): Promise<number> {
    const latencyMs = this.#context.kernel.options.disk.metadataMs;
    return new Promise((resolve, reject) => {
      const finish = (): void => resolve(this.#node.length);
      this.#start({ operation: 'size', latencyMs, finish, fail: reject });
    });
  }

  close(): Promise<void> {
    const latencyMs = this.#context.kernel.options.disk.metadataMs;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#open = false;
        resolve();
      };
      this.#start({ operation: 'close', latencyMs, finish, fail: reject });
    });
  }

  #write(
    position: number,
    chunks: readonly Uint8Array[],
    done: () => void,
    fail: (error: DiskError) => void,
  ): void {
    assert(position >= 0, () => `cannot write at ${position}`);
    const { files, counters, random, kernel } = this.#context;
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    const writePart = (length: number): void => {
      files.write(this.#node, this.#path, position, concatenate(chunks, length));
    };
    // Cut short, it may have got anywhere; the crash model then tears what it wrote.
    const writeSome = (): void => {
      const length = random.pick([0, bytes, random.integer(bytes + 1)]);
      try {
        writePart(length);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
      }
    };
    this.#start({
      operation: 'write',
      latencyMs: kernel.options.disk.writeMs,
      bytes,
      finish: () => {
        writePart(bytes);
        counters.writes += 1;
        counters.bytesWritten += bytes;
        done();
      },
      fail,
      spoil: writeSome,
      abandon: writeSome,
    });
  }

  /** Sure to cover what was complete when it started, and nothing that was still under way. */
  #sync(done: () => void, fail: (error: DiskError) => void): void {
    const { files, counters, random, kernel } = this.#context;
    const mark = this.#node.mark();
    this.#start({
      operation: 'sync',
      latencyMs: kernel.options.disk.syncMs,
      finish: () => {
        files.syncFileUpTo(this.#node, mark);
        counters.syncs += 1;
        done();
      },
      fail,
      spoil: () => {
        const counts = files.loseUnsynced(this.#node, random);
        counters.lostWrites += counts.lostWrites;
        counters.tornWrites += counts.tornWrites;
        counters.keptWrites += counts.keptWrites;
      },
      abandon: () => {
        if (random.chance(0.5)) files.syncFileUpTo(this.#node, mark);
      },
    });
  }

  #start(work: FileWork): void {
    const { machine, life } = this.#context;
    if (!this.#open) {
      work.fail(new DiskError('io', this.#path, `${this.#path} is closed`));
      return;
    }
    const changes = work.operation === 'write' || work.operation === 'truncate';
    if (changes && !this.#writable) {
      work.fail(new DiskError('permission', this.#path, `${this.#path} is open for reading only`));
      return;
    }
    machine.start({ bytes: 0, ...work, life, path: this.#path });
  }
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only.subarray(0, length);
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    if (at >= length) break;
    const part = chunk.subarray(0, length - at);
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
