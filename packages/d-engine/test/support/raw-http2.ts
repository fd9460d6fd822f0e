import { once } from 'node:events';
import type { Socket } from 'node:net';

export interface HeardFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** A frame, spelled out. */
export function frameOf(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

export function settingsOf(pairs: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 6);
  pairs.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  });
  return frameOf(4, 0, 0, payload);
}

/** Takes apart what comes over a socket, behind the first `skip` bytes, and answers nothing. */
export class HeardFrames {
  readonly socket: Socket;
  readonly frames: HeardFrame[] = [];
  readonly closed: Promise<unknown>;
  #bytes: Buffer = Buffer.alloc(0);
  #skip: number;

  constructor(socket: Socket, skip = 0, onFrame: (frame: HeardFrame) => void = () => undefined) {
    this.socket = socket;
    this.#skip = skip;
    this.closed = once(socket, 'close');
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      for (let frame = this.#take(); frame !== undefined; frame = this.#take()) {
        this.frames.push(frame);
        onFrame(frame);
      }
    });
  }

  /** Of the first SETTINGS frame. */
  async settings(): Promise<Map<number, number>> {
    const { payload } = await this.#first(({ type, flags }) => type === 4 && flags === 0);
    const settings = new Map<number, number>();
    for (let at = 0; at < payload.length; at += 6) {
      settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    }
    return settings;
  }

  /** The first one of the connection. */
  async windowUpdate(): Promise<number> {
    const { payload } = await this.#first(({ type, streamId }) => type === 8 && streamId === 0);
    return payload.readUInt32BE(0);
  }

  async ping(): Promise<void> {
    await this.#first(({ type, flags }) => type === 6 && flags === 0);
  }

  get pings(): number {
    return this.frames.filter(({ type, flags }) => type === 6 && flags === 0).length;
  }

  async #first(isIt: (frame: HeardFrame) => boolean): Promise<HeardFrame> {
    for (let waitedMs = 0; waitedMs < 8_000; waitedMs += 10) {
      const found = this.frames.find(isIt);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`not among ${JSON.stringify(this.frames.map(({ type }) => type))}`);
  }

  #take(): HeardFrame | undefined {
    const skipped = Math.min(this.#skip, this.#bytes.length);
    this.#skip -= skipped;
    this.#bytes = this.#bytes.subarray(skipped);
    if (this.#bytes.length < 9) return undefined;
    const end = 9 + this.#bytes.readUIntBE(0, 3);
    if (this.#bytes.length < end) return undefined;
    const frame: HeardFrame = {
      type: this.#bytes[3] ?? 0,
      flags: this.#bytes[4] ?? 0,
      streamId: this.#bytes.readUInt32BE(5),
      payload: this.#bytes.subarray(9, end),
    };
    this.#bytes = this.#bytes.subarray(end);
    return frame;
  }
}
