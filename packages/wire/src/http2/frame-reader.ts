import { errorCodes, frameFlags, frameHeadBytes, frameTypes } from './codes.ts';
import { ConnectionError } from './http2-error.ts';

/** Who hears of frames. Bytes are lent for the call; each method may throw ConnectionError. */
export interface FrameSink {
  /** A frame begins. False: its payload is not wanted. Payload of DATA always comes. */
  onFrameHead(type: number, flags: number, streamId: number, length: number): boolean;
  /** A whole frame that is not DATA. */
  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /** Content of the DATA frame that began last, in one or more parts, padding left out. */
  onDataBytes(bytes: Buffer, start: number, end: number, isLast: boolean): void;
}

const nothing: Buffer = Buffer.alloc(0);
/** More is set aside for a frame that spans reads only as its bytes come. */
const firstPartBytes = 1_024;

type State = 'head' | 'frame' | 'skip' | 'padLength' | 'data';

/**
 * Cuts a stream of bytes into frames (RFC 9113, section 4.1), wherever the reads were cut. Frames
 * that lie within one read are not copied; DATA is handed on as it comes, and never kept.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head: Uint8Array = new Uint8Array(frameHeadBytes);
  #state: State = 'head';
  #stopped = false;
  #headLength = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Of the payload, without padding. */
  #left = 0;
  #padding = 0;
  /** The first bytes of a frame that spans reads. */
  #part: Buffer = nothing;
  #partLength = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** True while a frame other than DATA has begun and is not complete. */
  get isWithinFrame(): boolean {
    return this.#state === 'frame' || this.#state === 'skip' || this.#headLength > 0;
  }

  /** The rest of the bytes is of no interest any more. */
  stop(): void {
    this.#stopped = true;
    this.#part = nothing;
  }

  read(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#stopped) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at);
          break;
        case 'frame':
          at = this.#readFrame(bytes, at);
          break;
        case 'data':
          at = this.#readData(bytes, at);
          break;
        case 'padLength':
          this.#startPadded(bytes[at] as number);
          at += 1;
          break;
        case 'skip':
          at = this.#skip(bytes, at);
          break;
      }
    }
  }

  #readHead(bytes: Buffer, at: number): number {
    if (this.#headLength === 0 && bytes.length - at >= frameHeadBytes) {
      this.#begin(bytes, at);
      return at + frameHeadBytes;
    }
    let next = at;
    while (this.#headLength < frameHeadBytes && next < bytes.length) {
      this.#head[this.#headLength++] = bytes[next++] as number;
    }
    if (this.#headLength < frameHeadBytes) return next;
    this.#headLength = 0;
    this.#begin(this.#head, 0);
    return next;
  }

  #begin(head: Uint8Array, at: number): void {
    const length =
      ((head[at] as number) << 16) | ((head[at + 1] as number) << 8) | (head[at + 2] as number);
    const type = head[at + 3] as number;
    const flags = head[at + 4] as number;
    const streamId =
      (((head[at + 5] as number) & 0x7f) << 24) |
      ((head[at + 6] as number) << 16) |
      ((head[at + 7] as number) << 8) |
      (head[at + 8] as number);
    this.#type = type;
    this.#flags = flags;
    this.#streamId = streamId;
    this.#left = length;
    const wanted = this.#sink.onFrameHead(type, flags, streamId, length);
    if (type === frameTypes.data) this.#beginData();
    else if (length === 0) {
      if (wanted) this.#sink.onFrame(type, flags, streamId, nothing, 0, 0);
    } else this.#state = wanted ? 'frame' : 'skip';
  }

  #beginData(): void {
    this.#padding = 0;
    if ((this.#flags & frameFlags.padded) === 0) this.#startData();
    else if (this.#left > 0) this.#state = 'padLength';
    else throw new ConnectionError(errorCodes.frameSizeError, 'a padded frame without a length');
  }

  #startPadded(padding: number): void {
    this.#left -= 1;
    if (padding > this.#left) {
      throw new ConnectionError(errorCodes.protocolError, 'more padding than payload');
    }
    this.#padding = padding;
    this.#left -= padding;
    this.#startData();
  }

  #startData(): void {
    this.#state = 'data';
    if (this.#left > 0) return;
    this.#endData();
    this.#sink.onDataBytes(nothing, 0, 0, true);
  }

  #readData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    const isLast = this.#left === 0;
    if (isLast) this.#endData();
    this.#sink.onDataBytes(bytes, at, end, isLast);
    return end;
  }

  #endData(): void {
    this.#left = this.#padding;
    this.#state = this.#padding > 0 ? 'skip' : 'head';
  }

  #readFrame(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    if (this.#partLength === 0 && available >= this.#left) {
      const end = at + this.#left;
      this.#state = 'head';
      this.#sink.onFrame(this.#type, this.#flags, this.#streamId, bytes, at, end);
      return end;
    }
    const taken = Math.min(available, this.#left);
    this.#keep(bytes, at, taken);
    this.#left -= taken;
    if (this.#left === 0) {
      const part = this.#part;
      const length = this.#partLength;
      this.#part = nothing;
      this.#partLength = 0;
      this.#state = 'head';
      this.#sink.onFrame(this.#type, this.#flags, this.#streamId, part, 0, length);
    }
    return at + taken;
  }

  #keep(bytes: Buffer, at: number, length: number): void {
    const needed = this.#partLength + length;
    if (needed > this.#part.length) {
      const size = Math.max(needed, Math.min(needed + this.#left, this.#part.length * 2));
      const larger = Buffer.allocUnsafeSlow(Math.max(size, firstPartBytes));
      this.#part.copy(larger, 0, 0, this.#partLength);
      this.#part = larger;
    }
    bytes.copy(this.#part, this.#partLength, at, at + length);
    this.#partLength = needed;
  }

  #skip(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = 'head';
    return end;
  }
}
