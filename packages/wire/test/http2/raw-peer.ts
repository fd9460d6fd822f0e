import type { ByteStream, ByteStreamHandler } from '@d-engine/base';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../src/hpack/hpack-encoder.ts';
import { http2Preface } from '../../src/sniff.ts';

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A frame, written out on its own. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array | readonly number[] = [],
): Buffer {
  const body = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, body]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One setting. */
export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), uint32(value)]);
}

const types = { data: 0, headers: 1, rst: 3, settings: 4, ping: 6, goaway: 7, update: 8 };

/** A peer that sends whatever a test wants, and takes apart what it gets by means of its own. */
export class RawPeer implements ByteStreamHandler {
  readonly frames: SeenFrame[] = [];
  readonly encoder: HpackEncoder = new HpackEncoder({ maxTableBytes: 4096 });
  readonly decoder: HpackDecoder = new HpackDecoder({
    maxTableBytes: 4096,
    maxHeaderListBytes: 65_536,
  });
  isClosed = false;
  hasEnded = false;
  stream!: ByteStream;
  #seen: Buffer = Buffer.alloc(0);

  /** What a client begins with, and the acknowledgement of the server's SETTINGS. */
  hello(...settings: Buffer[]): void {
    this.send(
      Buffer.from(http2Preface, 'latin1'),
      frame(types.settings, 0, 0, Buffer.concat(settings)),
      frame(types.settings, 1, 0),
    );
  }

  send(...frames: Buffer[]): void {
    this.stream.write(Buffer.concat(frames));
  }

  headers(streamId: number, list: readonly string[], flags = 0x4): Buffer {
    return frame(types.headers, flags, streamId, this.encoder.encode(list));
  }

  /** The codes of GOAWAY frames. */
  get goaways(): number[] {
    return this.#of(types.goaway).map(({ payload }) => payload.readUInt32BE(4));
  }

  /** Streams and codes of RST_STREAM frames. */
  get resets(): [number, number][] {
    return this.#of(types.rst).map((seen) => [seen.streamId, seen.payload.readUInt32BE(0)]);
  }

  dataOf(streamId: number): Buffer {
    return Buffer.concat(
      this.#of(types.data)
        .filter((seen) => seen.streamId === streamId)
        .map(({ payload }) => payload),
    );
  }

  onBytes(bytes: Uint8Array): void {
    this.#seen = Buffer.concat([this.#seen, bytes]);
    while (this.#seen.length >= 9) {
      const end = 9 + this.#seen.readUIntBE(0, 3);
      if (this.#seen.length < end) return;
      this.frames.push({
        type: this.#seen[3] as number,
        flags: this.#seen[4] as number,
        streamId: this.#seen.readUInt32BE(5),
        payload: Buffer.from(this.#seen.subarray(9, end)),
      });
      this.#seen = this.#seen.subarray(end);
    }
  }

  onEnd(): void {
    this.hasEnded = true;
  }

  onClose(): void {
    this.isClosed = true;
  }

  #of(type: number): SeenFrame[] {
    return this.frames.filter((seen) => seen.type === type);
  }
}
