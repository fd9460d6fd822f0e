import type { ByteStream } from '@d-engine/base';
import { frameFlags, frameHeadBytes, frameTypes } from './codes.ts';
import {
  copyOf,
  giveBack,
  largeBlockBytes,
  smallBlockBytes,
  takeLargeBlock,
  takeSmallBlock,
} from './output-blocks.ts';

/** Larger frames gain nothing; with their heads they must fit into a block. */
export const sentFrameBytesMax = 32_768;
/** Blocks that are at least as full leave as they are, also to a stream that keeps them. */
const wholeBlockBytes = 32_768;

const noBlock: Buffer = Buffer.alloc(0);

/**
 * Gathers frames until {@link flush}, which hands them to the stream in one write. Only what is
 * larger than a block leaves earlier.
 */
export class FrameWriter {
  readonly #stream: ByteStream;
  #block: Buffer = noBlock;
  #length = 0;
  #blocked = false;
  #flushes = 0;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  /** The receiver is behind: the stream took what it got, and should get no more data for now. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** How often bytes were handed to the stream. */
  get flushes(): number {
    return this.#flushes;
  }

  drained(): void {
    this.#blocked = false;
  }

  flush(): void {
    if (this.#length === 0) return;
    const block = this.#block;
    const length = this.#length;
    this.#block = noBlock;
    this.#length = 0;
    this.#flushes += 1;
    const stream = this.#stream;
    // A stream that takes bytes at once gets the block itself, and the block comes back. Should it
    // keep this one after all, it gets copies from then on: a block for each write would add up.
    const isLent = length >= wholeBlockBytes || stream.keepsWritten === false;
    const bytes = isLent ? block.subarray(0, length) : copyOf(block, length);
    if (!stream.write(bytes)) this.#blocked = true;
    if (!isLent || stream.keepsWritten === false) giveBack(block);
  }

  /** Frames as they are, from this side's beginning. */
  raw(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#block.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Pairs of a setting's number and its value. */
  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    this.#head(pairs.length * 6, frameTypes.settings, 0, 0);
    for (const [id, value] of pairs) {
      this.#block[this.#length] = id >>> 8;
      this.#block[this.#length + 1] = id;
      this.#length += 2;
      this.#uint32(value);
    }
  }

  settingsAck(): void {
    this.#head(0, frameTypes.settings, frameFlags.ack, 0);
  }

  /** A ping of our own, told apart by a number. */
  ping(number: number): void {
    this.#head(8, frameTypes.ping, 0, 0);
    this.#uint32(0);
    this.#uint32(number);
  }

  pingAck(bytes: Buffer, start: number): void {
    this.#head(8, frameTypes.ping, frameFlags.ack, 0);
    bytes.copy(this.#block, this.#length, start, start + 8);
    this.#length += 8;
  }

  rstStream(streamId: number, code: number): void {
    this.#head(4, frameTypes.rstStream, 0, streamId);
    this.#uint32(code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#head(4, frameTypes.windowUpdate, 0, streamId);
    this.#uint32(increment);
  }

  goaway(lastStreamId: number, code: number, message: string): void {
    const text = Buffer.from(message, 'utf8');
    this.#head(8 + text.length, frameTypes.goaway, 0, 0);
    this.#uint32(lastStreamId);
    this.#uint32(code);
    text.copy(this.#block, this.#length);
    this.#length += text.length;
  }

  /** A header block, cut as the receiver wants it (RFC 9113, section 6.10). */
  headers(streamId: number, block: Uint8Array, endStream: boolean, frameBytes: number): void {
    const endFlag = endStream ? frameFlags.endStream : 0;
    if (block.length <= frameBytes) {
      this.#head(block.length, frameTypes.headers, endFlag | frameFlags.endHeaders, streamId);
      this.#block.set(block, this.#length);
      this.#length += block.length;
      return;
    }
    for (let start = 0; start < block.length; start += frameBytes) {
      const part = block.subarray(start, start + frameBytes);
      const type = start === 0 ? frameTypes.headers : frameTypes.continuation;
      const isLast = start + part.length === block.length;
      const flags = (start === 0 ? endFlag : 0) | (isLast ? frameFlags.endHeaders : 0);
      this.#head(part.length, type, flags, streamId);
      this.#block.set(part, this.#length);
      this.#length += part.length;
    }
  }

  /** The beginning of a DATA frame; {@link payload} brings its `length` bytes. */
  dataHead(streamId: number, length: number, endStream: boolean): void {
    this.#head(length, frameTypes.data, endStream ? frameFlags.endStream : 0, streamId);
  }

  payload(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #head(length: number, type: number, flags: number, streamId: number): void {
    this.#makeRoom(frameHeadBytes + length);
    const block = this.#block;
    const at = this.#length;
    block[at] = length >>> 16;
    block[at + 1] = length >>> 8;
    block[at + 2] = length;
    block[at + 3] = type;
    block[at + 4] = flags;
    block[at + 5] = streamId >>> 24;
    block[at + 6] = streamId >>> 16;
    block[at + 7] = streamId >>> 8;
    block[at + 8] = streamId;
    this.#length = at + frameHeadBytes;
  }

  #uint32(value: number): void {
    const block = this.#block;
    const at = this.#length;
    block[at] = value >>> 24;
    block[at + 1] = value >>> 16;
    block[at + 2] = value >>> 8;
    block[at + 3] = value;
    this.#length = at + 4;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#block.length) return;
    if (needed > largeBlockBytes) {
      this.flush();
      this.#block = takeLargeBlock();
    } else if (needed <= smallBlockBytes) this.#block = takeSmallBlock();
    else {
      const larger = takeLargeBlock();
      this.#block.copy(larger, 0, 0, this.#length);
      giveBack(this.#block);
      this.#block = larger;
    }
  }
}
