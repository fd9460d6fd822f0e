import { gunzipSync } from 'node:zlib';
import type { Failure } from '@d-engine/base';
import { errorRegistry } from '@d-engine/base';
import { errorMetadataKey, prefixBytes, RefusedMessage } from '@d-engine/wire';

const smallBytes = 16 * 1024;

/**
 * What to write for one message: small ones are joined with their prefix, large ones are not
 * copied.
 */
export function frameMessage(message: Uint8Array): readonly Uint8Array[] {
  const small = message.length <= smallBytes;
  const prefix = Buffer.allocUnsafe(prefixBytes + (small ? message.length : 0));
  prefix[0] = 0;
  prefix.writeUInt32BE(message.length, 1);
  if (!small) return [prefix, message];
  prefix.set(message, prefixBytes);
  return [prefix];
}

/** Cuts a byte stream into messages. Push bytes in, take messages out until there is none. */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #encoding: string | undefined;
  readonly #chunks: Buffer[] = [];
  #buffered = 0;
  /** Set while the prefix of the next message has been read and its bytes have not. */
  #next: { readonly length: number; readonly compressed: boolean } | undefined;

  /** `encoding` is the call's grpc-encoding header. */
  constructor(bytesMax: number, encoding: string | undefined) {
    this.#bytesMax = bytesMax;
    this.#encoding = encoding;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /**
   * A chunk is a part of all that the socket read at once, and keeps the whole of it alive. What
   * must wait for more, and is the smaller part, is copied, so that it weighs what it seems to.
   */
  unpin(): void {
    const last = this.#chunks.length - 1;
    const chunk = this.#chunks[last];
    if (chunk === undefined || chunk.length * 2 >= chunk.buffer.byteLength) return;
    const copy = Buffer.allocUnsafeSlow(chunk.length);
    copy.set(chunk);
    this.#chunks[last] = copy;
  }

  /** True when no half of a message is left. */
  get empty(): boolean {
    return this.#buffered === 0 && this.#next === undefined;
  }

  /** The next whole message, if it is here. Throws {@link RefusedMessage}, as soon as it can. */
  take(): Uint8Array | undefined {
    if (this.#next === undefined) {
      if (this.#buffered < prefixBytes) return undefined;
      this.#next = this.#readPrefix();
    }
    const { length, compressed } = this.#next;
    if (this.#buffered < length) return undefined;
    this.#next = undefined;
    const bytes = this.#takeBytes(length);
    return compressed ? this.#inflate(bytes) : bytes;
  }

  #readPrefix(): { length: number; compressed: boolean } {
    const prefix = this.#takeBytes(prefixBytes);
    const flag = prefix[0];
    const length = prefix.readUInt32BE(1);
    if (flag !== 0 && flag !== 1) {
      throw new RefusedMessage({
        status: 'internal',
        message: `message flag ${flag} is not known`,
      });
    }
    if (length > this.#bytesMax) throw tooLarge(`a message of ${length} bytes`, this.#bytesMax);
    if (flag === 1) this.#assertGzip();
    return { length, compressed: flag === 1 };
  }

  #assertGzip(): void {
    if (this.#encoding === 'gzip') return;
    if (this.#encoding === undefined || this.#encoding === 'identity') {
      const message = 'a compressed message without a grpc-encoding';
      throw new RefusedMessage({ status: 'internal', message });
    }
    throw new RefusedMessage({
      status: 'unimplemented',
      message: `grpc-encoding ${this.#encoding} is not supported: use gzip or identity`,
      metadata: { 'grpc-accept-encoding': 'identity,gzip' },
    });
  }

  #takeBytes(length: number): Buffer {
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    this.#buffered -= length;
    if (first.length >= length) {
      if (first.length === length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    // Only as much is joined as is taken: a stream of small chunks stays linear.
    let count = 0;
    let total = 0;
    while (total < length) total += (this.#chunks[count++] as Buffer).length;
    const parts = this.#chunks.splice(0, count);
    const last = parts[count - 1] as Buffer;
    const surplus = total - length;
    if (surplus > 0) {
      parts[count - 1] = last.subarray(0, last.length - surplus);
      this.#chunks.unshift(last.subarray(last.length - surplus));
    }
    return Buffer.concat(parts, length);
  }

  #inflate(bytes: Buffer): Uint8Array {
    try {
      return gunzipSync(bytes, { maxOutputLength: this.#bytesMax });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
        throw tooLarge('a message, unpacked,', this.#bytesMax, error);
      }
      const message = `a message is no gzip data: ${(error as Error).message}`;
      throw new RefusedMessage({ status: 'internal', message }, { cause: error });
    }
  }
}

function tooLarge(what: string, bytesMax: number, cause?: unknown): RefusedMessage {
  const failure: Failure = {
    status: 'resourceExhausted',
    message: `${what} is over the limit of ${bytesMax} bytes: send less at once`,
    metadata: { [errorMetadataKey]: String(errorRegistry.RequestTooLarge.code) },
  };
  return new RefusedMessage(failure, cause === undefined ? undefined : { cause });
}
