import type { HeaderList } from '../hpack/header-list.ts';
import type { HpackEncoder } from '../hpack/hpack-encoder.ts';
import { errorCodes, initialWindowBytes, windowBytesMax } from './codes.ts';
import type { FloodGuard } from './flood-guard.ts';
import type { FrameWriter } from './frame-writer.ts';
import { ConnectionError } from './http2-error.ts';
import { http2Limits } from './http2-limits.ts';
import type { Http2Stream } from './http2-stream.ts';
import type { PeerSettings } from './peer-settings.ts';

/** Who hears that a stream has sent its last frame. */
export interface OutputOwner {
  onEndedHere(stream: Http2Stream): void;
}

/**
 * What streams send. As long as socket and windows allow, frames are written at once; what has to
 * wait does so at its stream, and goes out frame by frame in turn.
 */
export class StreamOutput {
  /** What the peer lets this side send on all streams together. */
  windowBytes: number = initialWindowBytes;
  /** Ticks since anything of any stream moved. */
  quietTicks = 0;
  readonly #writer: FrameWriter;
  readonly #encoder: HpackEncoder;
  readonly #peer: PeerSettings;
  readonly #guard: FloodGuard;
  readonly #owner: OutputOwner;
  /** Streams with something to send, whoever is next first. */
  readonly #waiting: Set<Http2Stream> = new Set();

  constructor(
    writer: FrameWriter,
    encoder: HpackEncoder,
    peer: PeerSettings,
    guard: FloodGuard,
    owner: OutputOwner,
  ) {
    this.#writer = writer;
    this.#encoder = encoder;
    this.#peer = peer;
    this.#guard = guard;
    this.#owner = owner;
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  add(stream: Http2Stream): void {
    this.#waiting.add(stream);
  }

  delete(stream: Http2Stream): void {
    stream.pending = undefined;
    this.#waiting.delete(stream);
  }

  maySend(): boolean {
    return !this.#writer.isBlocked;
  }

  writeHeaders(stream: Http2Stream, headers: HeaderList, endStream: boolean): void {
    const block = this.#encoder.encode(headers);
    this.#writer.headers(stream.id, block, endStream, this.#peer.frameBytes);
    if (endStream) this.#owner.onEndedHere(stream);
  }

  fits(stream: Http2Stream, bytes: number): boolean {
    if (bytes > stream.sendWindowBytes || bytes > this.windowBytes) return false;
    return bytes <= this.#peer.frameBytes && !this.#writer.isBlocked;
  }

  /** One DATA frame; false when it has to wait or is more than one. */
  writeData(
    stream: Http2Stream,
    first: Uint8Array,
    second: Uint8Array,
    endStream: boolean,
  ): boolean {
    const length = first.length + second.length;
    if (!this.fits(stream, length)) return false;
    this.#startData(stream, length, endStream);
    this.#writer.payload(first);
    this.#writer.payload(second);
    if (endStream) this.#owner.onEndedHere(stream);
    return true;
  }

  /** The end of a stream of which nothing else waits. */
  writeEnd(stream: Http2Stream): void {
    this.#writer.dataHead(stream.id, 0, true);
    this.#owner.onEndedHere(stream);
  }

  /**
   * Writes what may be written now. False: there is more, and it has to wait for the next round of
   * the event loop, so that a large transfer leaves room for what else the process does.
   */
  pump(): boolean {
    const untilWindow = this.windowBytes - http2Limits.sentBytesPerRound;
    for (const stream of this.#waiting) {
      if (this.#writer.isBlocked) return true;
      if (this.windowBytes <= untilWindow) return false;
      const { pending } = stream;
      if (pending === undefined) this.#waiting.delete(stream);
      else if (this.#writeSome(stream)) {
        // Behind all others, where this very loop comes by again.
        this.#waiting.delete(stream);
        if (!pending.isEmpty) this.#waiting.add(stream);
        else this.#drained(stream);
      }
    }
    return true;
  }

  /** Streams of which nobody took anything for too long. */
  tick(stallTicks: number): Http2Stream[] {
    this.quietTicks += 1;
    const stalled: Http2Stream[] = [];
    for (const stream of this.#waiting) {
      const { pending } = stream;
      if (pending === undefined) continue;
      pending.stalledTicks += 1;
      if (pending.stalledTicks > stallTicks) stalled.push(stream);
    }
    return stalled;
  }

  /** One frame. False: the stream has to wait for its window, or for the connection's. */
  #writeSome(stream: Http2Stream): boolean {
    const { pending } = stream;
    if (pending === undefined) return false;
    const headers = pending.nextHeaders();
    if (headers !== undefined) {
      pending.dropHeaders();
      this.writeHeaders(stream, headers, pending.isEnded && pending.isEmpty);
      return true;
    }
    if (pending.isEmpty) {
      if (pending.isEnded) this.writeEnd(stream);
      return true;
    }
    const window = Math.min(stream.sendWindowBytes, this.windowBytes, this.#peer.frameBytes);
    const length = pending.contentBytes(Math.max(0, window));
    if (length === 0) return false;
    // Whether it is the last frame shows only once the bytes are taken: look ahead.
    const isLast = pending.isEnded && length === pending.bytes && !pending.hasHeaders;
    this.#startData(stream, length, isLast);
    pending.take(length, this.#writer);
    pending.moved(length);
    if (isLast) this.#owner.onEndedHere(stream);
    return true;
  }

  #startData(stream: Http2Stream, length: number, endStream: boolean): void {
    stream.sendWindowBytes -= length;
    this.windowBytes -= length;
    this.quietTicks = 0;
    this.#guard.dataSent();
    this.#writer.dataHead(stream.id, length, endStream);
  }

  #drained(stream: Http2Stream): void {
    stream.pending = undefined;
    if (!stream.isClosed) stream.receiver.onDrain();
  }
}

/** The peer changed the window of all streams that are open (RFC 9113, section 6.9.2). */
export function changeSendWindows(streams: Iterable<Http2Stream>, change: number): void {
  for (const stream of streams) {
    stream.sendWindowBytes += change;
    if (stream.sendWindowBytes <= windowBytesMax) continue;
    throw new ConnectionError(errorCodes.flowControlError, 'the window of a stream is too large');
  }
}
