import { gunzipSync, gzipSync } from 'node:zlib';
import type {
  ByteListener,
  ByteNetwork,
  ByteStream,
  ByteStreamHandler,
  Clock,
  Compute,
  Random,
  Schedule,
} from '@d-engine/base';

interface Due {
  readonly atMs: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * A small world of one process: events in the order in which they were caused, time that moves
 * only when it is told to, and streams of bytes that are cut as a test wants them.
 */
export class TestWorld {
  /** Cuts what is written into what is read. */
  split: (bytes: Uint8Array) => readonly Uint8Array[] = (bytes) => [bytes];
  /** Bytes on their way from which a sender is told to wait. */
  highWaterBytes = 65_536;
  readonly clock: Clock = {
    monotonicMs: () => this.#nowMs,
    wallMs: () => this.#nowMs,
    now: () => ({ monotonicMs: this.#nowMs, wallMs: this.#nowMs }),
    setTimer: (delayMs, callback) => {
      const due: Due = { atMs: this.#nowMs + delayMs, callback, cancelled: false };
      this.#timers.push(due);
      return {
        cancel: () => {
          due.cancelled = true;
        },
      };
    },
  };
  readonly random: Random = { float: () => 0.5, bytes: (length) => new Uint8Array(length) };
  readonly schedule: Schedule = { afterPoll: (callback) => this.post(callback) };
  readonly compute: Compute = {
    gzip: async (bytes) => gzipSync(bytes),
    gunzip: async (bytes, maxBytes) => gunzipSync(bytes, { maxOutputLength: maxBytes }),
    sha256: () => Promise.reject(new Error('not needed here')),
  };
  readonly bytes: MemoryByteNetwork = new MemoryByteNetwork(this);
  #nowMs = 0;
  #events: (() => void)[] = [];
  #timers: Due[] = [];

  get timers(): number {
    return this.#timers.filter((due) => !due.cancelled).length;
  }

  post(event: () => void): void {
    this.#events.push(event);
  }

  /** Until nothing more happens by itself. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      // Promises first: what they lead to happens before the next event.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      const event = this.#events.shift();
      if (event === undefined) quiet += 1;
      else {
        quiet = 0;
        event();
        this.runEvents();
      }
    }
  }

  /** Events only, no promises. */
  runEvents(): void {
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      event();
    }
  }

  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await this.settle();
      this.#timers = this.#timers.filter((due) => !due.cancelled);
      const next = this.#timers.toSorted((first, second) => first.atMs - second.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.cancelled = true;
      next.callback();
    }
    this.#nowMs = endMs;
    await this.settle();
  }
}

/** One end of a connection in memory. */
export class MemoryByteStream implements ByteStream {
  readonly localHost = 'memory';
  /** How often something was written. */
  writes = 0;
  /** Everything that was written. */
  readonly written: Uint8Array[] = [];
  bufferedBytes = 0;
  /** Nothing gets through to the other side, as with a cut cable. */
  isFrozen = false;
  isPaused = false;
  isDestroyed = false;
  hasEnded = false;
  readonly #world: TestWorld;
  #handler: ByteStreamHandler | undefined;
  #other: MemoryByteStream | undefined;
  #arrived: (() => void)[] = [];
  #isBehind = false;
  #isClosed = false;

  constructor(world: TestWorld) {
    this.#world = world;
  }

  join(other: MemoryByteStream): void {
    this.#other = other;
  }

  start(handler: ByteStreamHandler): void {
    this.#handler = handler;
  }

  opened(): void {
    this.#world.post(() => this.#handler?.onOpen?.());
  }

  write(bytes: Uint8Array): boolean {
    if (this.isDestroyed || this.hasEnded) return false;
    this.writes += 1;
    this.written.push(bytes);
    this.bufferedBytes += bytes.length;
    for (const part of this.#world.split(bytes)) this.#world.post(() => this.#send(part));
    if (this.bufferedBytes < this.#world.highWaterBytes) return true;
    this.#isBehind = true;
    return false;
  }

  end(): void {
    if (this.hasEnded || this.isDestroyed) return;
    this.hasEnded = true;
    this.#world.post(() => this.#other?.arrive(() => this.#other?.endedThere()));
    this.#closeIfEnded();
  }

  destroy(): void {
    if (this.isDestroyed) return;
    this.isDestroyed = true;
    this.close(undefined);
    const error = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    this.#world.post(() => this.#other?.close(error));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#world.post(() => this.#deliver());
  }

  arrive(delivery: () => void): void {
    this.#arrived.push(delivery);
    this.#deliver();
  }

  read(bytes: Uint8Array): void {
    if (!this.isDestroyed) this.#handler?.onBytes(bytes);
  }

  endedThere(): void {
    if (!this.isDestroyed) this.#handler?.onEnd();
    this.#closeIfEnded();
  }

  close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.isDestroyed = true;
    this.#world.post(() => this.#handler?.onClose(error));
  }

  #send(part: Uint8Array): void {
    if (this.isFrozen) return;
    this.#other?.arrive(() => {
      // Lent for the call: whoever keeps a view sees garbage afterwards.
      const lent = Buffer.from(part);
      this.#other?.read(lent);
      lent.fill(0xee);
      this.#took(part.length);
    });
  }

  #took(bytes: number): void {
    this.bufferedBytes -= bytes;
    if (!this.#isBehind || this.bufferedBytes > 0) return;
    this.#isBehind = false;
    this.#world.post(() => this.#handler?.onDrain?.());
  }

  #deliver(): void {
    while (!this.isPaused) {
      const delivery = this.#arrived.shift();
      if (delivery === undefined) return;
      delivery();
    }
  }

  #closeIfEnded(): void {
    const other = this.#other;
    if (!this.hasEnded || other?.hasEnded !== true) return;
    this.#world.post(() => {
      this.close(undefined);
      other.close(undefined);
    });
  }
}

export class MemoryByteNetwork implements ByteNetwork {
  /** Of each connection, in order: the end that dialled, and the one that answered. */
  readonly pairs: { readonly client: MemoryByteStream; readonly server: MemoryByteStream }[] = [];
  readonly #world: TestWorld;
  readonly #listeners: Map<string, (stream: ByteStream) => ByteStreamHandler> = new Map();

  constructor(world: TestWorld) {
    this.#world = world;
  }

  async listen(
    address: string,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
  ): Promise<ByteListener> {
    this.#listeners.set(address, onConnection);
    const close = async (): Promise<void> => {
      this.#listeners.delete(address);
    };
    return { address, close };
  }

  connect(address: string, handler: ByteStreamHandler): MemoryByteStream {
    const client = new MemoryByteStream(this.#world);
    const server = new MemoryByteStream(this.#world);
    client.join(server);
    server.join(client);
    client.start(handler);
    this.pairs.push({ client, server });
    this.#world.post(() => {
      const onConnection = this.#listeners.get(address);
      if (onConnection === undefined) {
        client.close(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
        return;
      }
      server.start(onConnection(server));
      client.opened();
    });
    return client;
  }
}

/** Every byte for itself. */
export function everyByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}
