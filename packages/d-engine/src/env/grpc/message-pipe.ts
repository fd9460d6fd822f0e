import type { Http2Stream } from 'node:http2';
import type { Failure, StreamHandler } from '@d-engine/base';
import { RefusedMessage } from '@d-engine/wire';
import { frameMessage, type MessageReader } from './message-reader.ts';

/** Who opened or accepted the stream and knows how it ends. */
export interface PipeOwner {
  /** The other side ended its direction, and all it had sent was delivered. */
  onRemoteEnd(): void;
  /** The other side sent what is no message, or too large a one. */
  onRefused(failure: Failure): void;
}

/** Whole messages, both ways, over the bytes of one HTTP/2 stream. */
export class MessagePipe {
  readonly #stream: Http2Stream;
  readonly #reader: MessageReader;
  readonly #handler: StreamHandler;
  readonly #owner: PipeOwner;
  readonly #sendBufferBytes: number;
  #paused = false;
  /** `send` has returned false and `onDrain` is owed. */
  #blocked = false;
  #stopped = false;
  #sourceEnded = false;

  constructor(
    stream: Http2Stream,
    reader: MessageReader,
    handler: StreamHandler,
    owner: PipeOwner,
    sendBufferBytes: number,
  ) {
    this.#stream = stream;
    this.#reader = reader;
    this.#handler = handler;
    this.#owner = owner;
    // Below Node's own mark no 'drain' event would ever come.
    this.#sendBufferBytes = Math.max(sendBufferBytes, stream.writableHighWaterMark);
    stream.on('drain', () => this.#drained());
    stream.on('end', () => {
      this.#sourceEnded = true;
      this.#deliver();
    });
    stream.on('data', (chunk: Buffer) => {
      if (this.#stopped) return;
      reader.push(chunk);
      this.#deliver();
    });
  }

  send(message: Uint8Array): boolean {
    const stream = this.#stream;
    if (this.#stopped || !stream.writable) return false;
    const chunks = frameMessage(message);
    if (chunks.length > 1) stream.cork();
    for (const chunk of chunks) stream.write(chunk);
    if (chunks.length > 1) stream.uncork();
    if (stream.writableLength < this.#sendBufferBytes) return true;
    this.#blocked = true;
    return false;
  }

  /** The sender was told to wait before this pipe existed. */
  oweDrain(): void {
    this.#blocked = true;
    if (!this.#stream.writableNeedDrain) setImmediate(() => this.#drained());
  }

  end(): void {
    if (this.#stream.writable) this.#stream.end();
  }

  pause(): void {
    if (this.#stopped || this.#paused) return;
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deliver();
    if (!this.#paused) this.#stream.resume();
  }

  /** Nothing is delivered any more; what still comes in is thrown away. */
  stop(): void {
    this.#stopped = true;
    this.#stream.resume();
  }

  #deliver(): void {
    try {
      while (!this.#paused && !this.#stopped) {
        const message = this.#reader.take();
        if (message === undefined) break;
        this.#handler.onMessage(message);
      }
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.#owner.onRefused(error.failure);
      return;
    }
    if (this.#sourceEnded && !this.#paused && !this.#stopped) this.#finish();
  }

  #finish(): void {
    this.#sourceEnded = false;
    if (this.#reader.empty) this.#owner.onRemoteEnd();
    else this.#owner.onRefused({ status: 'internal', message: 'the last message was cut off' });
  }

  #drained(): void {
    if (!this.#blocked || this.#stopped) return;
    this.#blocked = false;
    this.#handler.onDrain?.();
  }
}
