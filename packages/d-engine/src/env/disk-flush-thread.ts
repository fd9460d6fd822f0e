import { Worker } from 'node:worker_threads';
import { must } from '@d-engine/base';
import { syncData, totalBytes, writeAll } from './disk-pool.ts';
import type { FlushRequest, FlushResponse, FlushThreadData } from './disk-thread-source.ts';
import { flushThreadSource, threadReady } from './disk-thread-source.ts';

/**
 * Twice what is urgent: a batch of the log and a vote beside it. What does not fit is written by
 * libuv's pool and synced here. Memory of its own for each such batch would stay: the thread, which
 * allocates next to nothing, collects no garbage for hours.
 */
const sharedBytes = 2 * 1024 * 1024;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface FlushThreadOptions {
  readonly name: string;
  /** For tests: the program of the thread. */
  readonly source?: string;
}

/**
 * Writes and syncs on a thread of its own, one after another, so that a flush never waits for what
 * else the process does in libuv's pool (gzip, DNS, the host's hashing of passwords).
 *
 * Started by the first flush. Until it runs, and when it cannot run at all, libuv's pool does the
 * work: nothing is handed to a thread that has not said that it works, so nothing is ever tried
 * twice. If it dies, what it had in hand fails, for nobody knows how far it got.
 */
export class FlushThread {
  readonly #name: string;
  readonly #source: string;
  readonly #bell: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #waiting: Map<number, Waiting> = new Map();
  #state: 'idle' | 'starting' | 'running' | 'gone' = 'idle';
  #worker: Worker | undefined;
  #shared: Uint8Array | undefined;
  /** Bytes of the shared buffer in use; it empties when nothing is in flight. */
  #sharedUsed = 0;
  #lastId = threadReady;

  constructor(options: FlushThreadOptions) {
    this.#name = options.name;
    this.#source = options.source ?? flushThreadSource;
  }

  /** Whether flushes go to the thread by now. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Whether it was asked for and has not come up yet. */
  get isStarting(): boolean {
    return this.#state === 'starting';
  }

  /** Writes the chunks, none for a bare sync, and makes them durable. Rejects with an `Error`. */
  flush(fd: number, position: number, chunks: readonly Uint8Array[]): Promise<void> {
    if (this.#state === 'idle') this.#start();
    const length = totalBytes(chunks);
    if (this.#state === 'running' && this.#sharedUsed + length <= sharedBytes) {
      return this.#send(fd, position, chunks, length);
    }
    if (this.#state === 'running') {
      return writeAll(fd, position, chunks).then(() => this.flush(fd, position, []));
    }
    if (chunks.length === 0) return syncData(fd);
    return writeAll(fd, position, chunks).then(() => syncData(fd));
  }

  /** Ends the thread. What is in flight fails; what comes later goes to libuv's pool. */
  async close(): Promise<void> {
    this.#state = 'gone';
    await this.#worker?.terminate();
  }

  #start(): void {
    const shared = new SharedArrayBuffer(sharedBytes);
    const workerData: FlushThreadData = { bell: this.#bell, shared };
    this.#state = 'starting';
    try {
      // Nothing of the host's belongs in there: no preloaded modules (they come with execArgv and
      // with NODE_OPTIONS), no part in its standard streams.
      this.#worker = new Worker(this.#source, {
        eval: true,
        name: this.#name,
        workerData,
        execArgv: [],
        env: {},
        stdout: true,
        stderr: true,
      });
    } catch {
      // A host may forbid threads (--permission).
      this.#state = 'gone';
      return;
    }
    this.#shared = new Uint8Array(shared);
    this.#worker.unref();
    this.#worker.on('message', (response: FlushResponse) => this.#onResponse(response));
    this.#worker.on('error', (error: unknown) => this.#onGone(error));
    this.#worker.on('exit', () => this.#onGone(undefined));
  }

  #send(
    fd: number,
    position: number,
    chunks: readonly Uint8Array[],
    length: number,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      this.#worker?.postMessage({
        id,
        fd,
        position,
        length,
        offset: this.#place(chunks, length),
      } satisfies FlushRequest);
      // A process with nothing else to do must not end in the middle of a flush.
      if (this.#waiting.size === 0) this.#worker?.ref();
      this.#waiting.set(id, { resolve, reject });
      Atomics.add(this.#bell, 0, 1);
      Atomics.notify(this.#bell, 0);
    });
  }

  /** Copies the batch once, into memory that both threads see. Returns where it begins there. */
  #place(chunks: readonly Uint8Array[], length: number): number {
    const offset = this.#sharedUsed;
    const shared = must(this.#shared, 'the memory of a running thread');
    let position = offset;
    for (const chunk of chunks) {
      shared.set(chunk, position);
      position += chunk.length;
    }
    this.#sharedUsed += length;
    return offset;
  }

  #onResponse(response: FlushResponse): void {
    if (response === threadReady) {
      if (this.#state === 'starting') this.#state = 'running';
      return;
    }
    const id = typeof response === 'number' ? response : response.id;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) {
      this.#worker?.unref();
      this.#sharedUsed = 0;
    }
    if (typeof response === 'number') waiting?.resolve();
    else waiting?.reject(Object.assign(new Error(response.message), { code: response.code }));
  }

  #onGone(cause: unknown): void {
    this.#state = 'gone';
    this.#shared = undefined;
    const error = new Error('the thread that writes to the disk ended', { cause });
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
