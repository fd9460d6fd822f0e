import type { Compute, Failure, StreamHandler } from '@d-engine/base';
import type { Http2Stream } from '../http2/http2-stream.ts';
import { inflate } from './message-inflater.ts';
import { type Compression, MessagePacker } from './message-packer.ts';
import { type MessageReader, prefixOf, RefusedMessage } from './message-reader.ts';

/** Who opened or accepted the stream and knows how it ends. */
export interface PipeOwner {
  /** The other side ended its direction, and all it had sent was delivered. */
  onRemoteEnd(): void;
  /** The other side sent what is no message, or too large a one. */
  onRefused(failure: Failure): void;
}

export interface PipeOptions {
  readonly compute: Compute;
  /** How this side's messages are packed. */
  readonly compression: Compression | undefined;
  /** Bytes that may wait before the sender is told to pause. */
  readonly sendBufferBytes: number;
  /** The largest message, unpacked. */
  readonly messageBytesMax: number;
}

/** Whole messages, both ways, over the bytes of one HTTP/2 stream. */
export class MessagePipe {
  readonly #stream: Http2Stream;
  readonly #reader: MessageReader;
  readonly #handler: StreamHandler;
  readonly #owner: PipeOwner;
  readonly #options: PipeOptions;
  #paused = false;
  /** A message is being unpacked: those behind it wait, or they would overtake it. */
  #isInflating = false;
  #isDelivering = false;
  /** What came while nothing could be delivered; it counts against the peer's window. */
  #kept: Buffer[] = [];
  /** `send` has returned false and `onDrain` is owed. */
  #blocked = false;
  #stopped = false;
  /** Of the other side's direction; `told`: the owner knows that all was delivered. */
  #source: 'open' | 'ended' | 'told' = 'open';
  /** Unpacked, and next to be delivered. */
  #unpacked: Uint8Array | undefined;
  /** Only where messages are packed. */
  readonly #packer: MessagePacker | undefined;

  constructor(
    stream: Http2Stream,
    reader: MessageReader,
    handler: StreamHandler,
    owner: PipeOwner,
    options: PipeOptions,
  ) {
    this.#stream = stream;
    this.#reader = reader;
    this.#handler = handler;
    this.#owner = owner;
    this.#options = options;
    if (options.compression === undefined) return;
    this.#packer = new MessagePacker(options.compute, (message, isPacked) => {
      stream.sendData(prefixOf(message, isPacked), message, false);
      // What the stream took at once leaves no drain behind it.
      if (this.queuedBytes === 0) this.onDrain();
    });
  }

  /** Bytes of messages that wait. */
  get queuedBytes(): number {
    return this.#stream.queuedBytes + (this.#packer?.queuedBytes ?? 0);
  }

  send(message: Uint8Array): boolean {
    const stream = this.#stream;
    if (this.#stopped || stream.isClosed) return false;
    if (this.#packer === undefined) stream.sendData(prefixOf(message), message, false);
    else this.#packer.send(message);
    if (this.queuedBytes < this.#options.sendBufferBytes) return true;
    this.#blocked = true;
    return false;
  }

  /** Calls back, now or later, when everything that was sent is with the stream. */
  whenSent(callback: () => void): void {
    if (this.#packer === undefined) callback();
    else this.#packer.whenEmpty(callback);
  }

  /** The sender was told to wait before this pipe existed. */
  oweDrain(): void {
    this.#blocked = true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deliver();
  }

  /** Nothing is delivered any more; what still comes in is thrown away. */
  stop(): void {
    this.#stopped = true;
    this.#kept = [];
    this.#packer?.stop();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#stopped) {
      this.#stream.consume(end - start);
    } else if (this.#isHeld || this.#kept.length > 0) {
      this.#kept.push(Buffer.from(bytes.subarray(start, end)));
    } else this.#take(bytes, start, end);
  }

  onEnd(): void {
    this.#source = 'ended';
    this.#finishIfRead();
  }

  onDrain(): void {
    if (!this.#blocked || this.#stopped || this.queuedBytes > 0) return;
    this.#blocked = false;
    this.#handler.onDrain?.();
  }

  get #isHeld(): boolean {
    return this.#paused || this.#isInflating || this.#isDelivering;
  }

  /** What was kept, until something stands in the way again. */
  #deliver(): void {
    while (!this.#paused && !this.#isDelivering && !this.#stopped) {
      if (this.#unpacked !== undefined) this.#deliverUnpacked(this.#unpacked);
      if (this.#isHeld) break;
      const bytes = this.#kept.shift();
      if (bytes === undefined) break;
      this.#take(bytes, 0, bytes.length);
    }
    this.#finishIfRead();
  }

  /** Makes messages of some bytes; what cannot be delivered now is kept in front of the rest. */
  #take(bytes: Buffer, start: number, end: number): void {
    this.#isDelivering = true;
    let restBytes = 0;
    try {
      this.#reader.feed(bytes, start, end);
      restBytes = this.#deliverFed();
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.#owner.onRefused(error.failure);
    } finally {
      this.#isDelivering = false;
    }
    this.#stream.consume(end - start - restBytes);
  }

  #deliverFed(): number {
    for (;;) {
      if (this.#stopped) return 0;
      if (this.#paused || this.#isInflating) {
        const rest = this.#reader.rest();
        if (rest.length > 0) this.#kept.unshift(rest);
        return rest.length;
      }
      const message = this.#reader.take();
      if (message === undefined) return 0;
      if (this.#reader.isCompressed) this.#inflate(message);
      else this.#handler.onMessage(message);
    }
  }

  #inflate(packed: Uint8Array): void {
    const { compute, messageBytesMax } = this.#options;
    this.#isInflating = true;
    inflate(
      compute,
      packed,
      messageBytesMax,
      (message) => {
        this.#unpacked = message;
        this.#deliver();
      },
      (failure) => {
        this.#isInflating = false;
        if (!this.#stopped) this.#owner.onRefused(failure);
      },
    );
  }

  #deliverUnpacked(message: Uint8Array): void {
    this.#unpacked = undefined;
    this.#isInflating = false;
    this.#isDelivering = true;
    this.#handler.onMessage(message);
    this.#isDelivering = false;
  }

  #finishIfRead(): void {
    if (this.#source !== 'ended' || this.#isHeld || this.#stopped) return;
    if (this.#kept.length > 0) return;
    this.#source = 'told';
    if (this.#reader.isEmpty) this.#owner.onRemoteEnd();
    else this.#owner.onRefused({ status: 'internal', message: 'the last message was cut off' });
  }
}
