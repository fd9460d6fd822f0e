import { errorCodes, frameFlags } from './codes.ts';
import { ConnectionError } from './http2-error.ts';
import { http2Limits } from './http2-limits.ts';

/**
 * One header block on its way in: HEADERS and the CONTINUATIONs behind it, between which nothing
 * else may come (RFC 9113, section 6.10).
 */
export class HeaderAssembly {
  streamId = 0;
  endStream = false;
  /** The stream says that it depends on itself, which is an error of that stream. */
  dependsOnItself = false;
  readonly #bytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #frames = 0;

  /** A block is hardly ever longer than the list that it stands for. */
  constructor(maxHeaderListBytes: number) {
    this.#bytesMax = maxHeaderListBytes;
  }

  /** A block has begun and is not complete. */
  get isOpen(): boolean {
    return this.#frames > 0;
  }

  /** By the head of the next frame of the block, before its payload is held. */
  checkRoom(length: number): void {
    if (this.#bytes + length <= this.#bytesMax && this.#frames < http2Limits.headerFramesMax) {
      return;
    }
    throw new ConnectionError(errorCodes.enhanceYourCalm, 'a header block without end');
  }

  /** The block, once it is complete; else undefined. It may be a view of `bytes`. */
  begin(
    streamId: number,
    flags: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): Uint8Array | undefined {
    this.streamId = streamId;
    this.endStream = (flags & frameFlags.endStream) !== 0;
    this.dependsOnItself = false;
    let from = start;
    let to = end;
    if ((flags & frameFlags.padded) !== 0) {
      if (from === to) throw tooShort();
      to -= bytes[from] as number;
      from += 1;
    }
    if ((flags & frameFlags.priority) !== 0) {
      if (to - from < 5) throw tooShort();
      this.dependsOnItself = (bytes.readUInt32BE(from) & 0x7fff_ffff) === streamId;
      from += 5;
    }
    if (to < from) {
      throw new ConnectionError(errorCodes.protocolError, 'more padding than payload');
    }
    const part = bytes.subarray(from, to);
    if ((flags & frameFlags.endHeaders) !== 0) return part;
    this.#add(part);
    return undefined;
  }

  continue(flags: number, bytes: Buffer, start: number, end: number): Uint8Array | undefined {
    this.#add(bytes.subarray(start, end));
    if ((flags & frameFlags.endHeaders) === 0) return undefined;
    const block = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#frames = 0;
    return block;
  }

  #add(part: Uint8Array): void {
    this.#frames += 1;
    this.#bytes += part.length;
    if (part.length > 0) this.#parts.push(new Uint8Array(part));
  }
}

function tooShort(): ConnectionError {
  return new ConnectionError(errorCodes.frameSizeError, 'HEADERS without what its flags promise');
}
