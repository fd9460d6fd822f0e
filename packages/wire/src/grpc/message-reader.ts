import type { Failure } from '@d-engine/base';
import { errorRegistry } from '@d-engine/base';
import { errorMetadataKey } from '../leader-metadata.ts';

/** Bytes from the other side that are no acceptable messages; the call ends with the failure. */
export class RefusedMessage extends Error {
  override readonly name = 'RefusedMessage';
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}

/** Each message is a flag byte (compressed or not), its length in four bytes, and itself. */
export const prefixBytes = 5;

const scratchPrefix = Buffer.alloc(prefixBytes);

/** What goes before a message. The bytes are good until the next call. */
export function prefixOf(message: Uint8Array, isCompressed = false): Uint8Array {
  scratchPrefix[0] = isCompressed ? 1 : 0;
  scratchPrefix.writeUInt32BE(message.length, 1);
  return scratchPrefix;
}

/**
 * Room for a message is made once it has brought this much: until then its prefix is only a claim,
 * and claims are free.
 */
const firstRoomBytes = 65_536;
const nothing: Buffer = Buffer.alloc(0);

/** Cuts what a stream brings into messages. Bytes are lent to it; messages are copies. */
export class MessageReader {
  /** Whether the message that was taken last is compressed. */
  isCompressed = false;
  /** The call's grpc-encoding header. */
  encoding: string | undefined;
  readonly #bytesMax: number;
  #lent: Buffer = nothing;
  #at = 0;
  #end = 0;
  readonly #prefix: Buffer = Buffer.alloc(prefixBytes);
  #prefixLength = 0;
  /** Of the message that has begun; its room, and how much of it is there. */
  #messageLength = 0;
  #room: Buffer = nothing;
  #length = 0;

  constructor(bytesMax: number, encoding: string | undefined) {
    this.#bytesMax = bytesMax;
    this.encoding = encoding;
  }

  /** True when no half of a message is left. */
  get isEmpty(): boolean {
    return this.#prefixLength === 0 && this.#at === this.#end;
  }

  /** What the message that has begun takes in memory. */
  get heldBytes(): number {
    return this.#room.length;
  }

  /** More bytes; {@link take} messages until there is none, or take the {@link rest} back. */
  feed(bytes: Buffer, start: number, end: number): void {
    this.#lent = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** A copy of the lent bytes that no message was made of; they are not looked at any more. */
  rest(): Buffer {
    const rest = Buffer.from(this.#lent.subarray(this.#at, this.#end));
    this.#at = this.#end;
    return rest;
  }

  /** The next whole message. Throws {@link RefusedMessage}, as soon as it can. */
  take(): Buffer | undefined {
    if (this.#prefixLength < prefixBytes && !this.#readPrefix()) {
      this.#lent = nothing;
      return undefined;
    }
    const available = this.#end - this.#at;
    const missing = this.#messageLength - this.#length;
    const count = Math.min(available, missing);
    this.#makeRoom(count);
    this.#lent.copy(this.#room, this.#length, this.#at, this.#at + count);
    this.#at += count;
    this.#length += count;
    if (count < missing) {
      this.#lent = nothing;
      this.#at = 0;
      this.#end = 0;
      return undefined;
    }
    const message = this.#room;
    this.#room = nothing;
    this.#length = 0;
    this.#prefixLength = 0;
    return message;
  }

  #readPrefix(): boolean {
    while (this.#prefixLength < prefixBytes && this.#at < this.#end) {
      this.#prefix[this.#prefixLength++] = this.#lent[this.#at++] as number;
    }
    if (this.#prefixLength < prefixBytes) return false;
    const flag = this.#prefix[0];
    const length = this.#prefix.readUInt32BE(1);
    if (flag !== 0 && flag !== 1) {
      const message = `message flag ${flag} is not known`;
      throw new RefusedMessage({ status: 'internal', message });
    }
    if (length > this.#bytesMax) throw tooLarge(`a message of ${length} bytes`, this.#bytesMax);
    if (flag === 1) assertGzip(this.encoding);
    this.isCompressed = flag === 1;
    this.#messageLength = length;
    return true;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#room.length) return;
    const isLarge = this.#messageLength > firstRoomBytes && needed < firstRoomBytes;
    const size = isLarge ? firstRoomBytes : this.#messageLength;
    const room = Buffer.allocUnsafe(size);
    this.#room.copy(room, 0, 0, this.#length);
    this.#room = room;
  }
}

function assertGzip(encoding: string | undefined): void {
  if (encoding === 'gzip') return;
  if (encoding === undefined || encoding === 'identity') {
    const message = 'a compressed message without a grpc-encoding';
    throw new RefusedMessage({ status: 'internal', message });
  }
  throw new RefusedMessage({
    status: 'unimplemented',
    message: `grpc-encoding ${encoding} is not supported: use gzip or identity`,
  });
}

export function tooLarge(what: string, bytesMax: number, cause?: unknown): RefusedMessage {
  const failure: Failure = {
    status: 'resourceExhausted',
    message: `${what} is over the limit of ${bytesMax} bytes: send less at once`,
    metadata: { [errorMetadataKey]: String(errorRegistry.RequestTooLarge.code) },
  };
  return new RefusedMessage(failure, cause === undefined ? undefined : { cause });
}
