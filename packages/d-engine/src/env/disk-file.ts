import { close, fstat, ftruncate, read } from 'node:fs';
import type { DiskFile } from '@d-engine/base';
import { assert, InvariantViolation } from '@d-engine/base';
import { toDiskError } from './disk-errors.ts';
import type { FlushThread } from './disk-flush-thread.ts';
import { totalBytes, writeAll } from './disk-pool.ts';

/** Who makes things durable. */
export interface Flushers {
  /** The log and the vote: somebody waits for each of these. */
  readonly urgent: FlushThread;
  /** New segments and snapshots: a sync of those may take seconds. */
  readonly bulk: FlushThread;
}

/** More than a log batch usually has, less than a piece of a new segment. */
const urgentBytesMax = 1024 * 1024;
/** Above it the size of the file is asked for before memory is taken. */
const readBytesUnchecked = 64 * 1024;

export class RealDiskFile implements DiskFile {
  readonly #fd: number;
  readonly #path: string;
  readonly #flushers: Flushers;
  /** Once closed, its number may name another file: nothing of ours may be under way then. */
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(fd: number, path: string, flushers: Flushers) {
    this.#fd = fd;
    this.#path = path;
    this.#flushers = flushers;
  }

  read(position: number, length: number): Promise<Uint8Array> {
    return this.#perform(async (fd) => {
      assert(position >= 0 && length >= 0, () => `cannot read ${length} bytes at ${position}`);
      let wanted = length;
      if (wanted > readBytesUnchecked) {
        wanted = Math.max(0, Math.min(wanted, (await sizeOf(fd)) - position));
      }
      // Not from Buffer's pool: what is kept of it would pin unrelated bytes.
      const bytes = Buffer.allocUnsafeSlow(wanted);
      let done = 0;
      while (done < wanted) {
        const count = await readSome(fd, bytes.subarray(done), position + done);
        if (count === 0) break;
        done += count;
      }
      return bytes.subarray(0, done);
    });
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return this.#perform((fd) => {
      assert(position >= 0, () => `cannot write at ${position}`);
      return writeAll(fd, position, chunks);
    });
  }

  sync(): Promise<void> {
    return this.#perform((fd) => this.#flushers.bulk.flush(fd, 0, []));
  }

  writeAndSync(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    return this.#perform((fd) => {
      assert(position >= 0, () => `cannot write at ${position}`);
      const { urgent, bulk } = this.#flushers;
      const flusher = totalBytes(chunks) <= urgentBytesMax ? urgent : bulk;
      return flusher.flush(fd, position, chunks);
    });
  }

  truncate(length: number): Promise<void> {
    return this.#perform((fd) => {
      assert(length >= 0, () => `a file cannot be ${length} bytes long`);
      return new Promise((resolve, reject) => {
        ftruncate(fd, length, (error) => (error === null ? resolve() : reject(error)));
      });
    });
  }

  size(): Promise<number> {
    return this.#perform(sizeOf);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await new Promise<void>((resolve, reject) => {
      close(this.#fd, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(toDiskError(error, this.#path));
      });
    });
  }

  async #perform<T>(work: (fd: number) => Promise<T>): Promise<T> {
    assert(this.#closing === undefined, () => `${this.#path} is closed`);
    this.#inFlight += 1;
    try {
      return await work(this.#fd);
    } catch (error) {
      if (error instanceof InvariantViolation) throw error;
      throw toDiskError(error, this.#path);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }
}

function sizeOf(fd: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fstat(fd, (error, stats) => (error === null ? resolve(stats.size) : reject(error)));
  });
}

function readSome(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, 0, target.length, position, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}
