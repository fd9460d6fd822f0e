import { type HeaderList, HeaderListTooLarge, HpackError } from '../hpack/header-list.ts';
import { HpackDecoder } from '../hpack/hpack-decoder.ts';
import { errorCodes, frameFlags, frameTypes } from './codes.ts';
import type { FloodGuard } from './flood-guard.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { checkFrameHead } from './frame-rules.ts';
import { HeaderAssembly } from './header-assembly.ts';
import { ConnectionError } from './http2-error.ts';
import type { Http2Options } from './http2-options.ts';
import type { Http2Stream } from './http2-stream.ts';
import type { ReceiveWindow } from './receive-window.ts';

/** A complete header block. */
export interface HeaderBlock {
  readonly streamId: number;
  /** Undefined: more than this side takes. */
  readonly headers: HeaderList | undefined;
  readonly endStream: boolean;
  readonly dependsOnItself: boolean;
}

/** The connection, as the frames that come in change it. */
export interface FrameTarget {
  readonly streams: ReadonlyMap<number, Http2Stream>;
  readonly receiveWindow: ReceiveWindow;
  onHeaders(block: HeaderBlock): void;
  /** A frame for a stream that is not there: passes if it may have been sent in good faith. */
  onStrayFrame(type: number, streamId: number): void;
  /** Content came, of any stream; asked before it is handed on. */
  onContent(bytes: number): void;
  onEndedThere(stream: Http2Stream): void;
  onReset(stream: Http2Stream, code: number): void;
  onSettings(bytes: Buffer, start: number, end: number): void;
  onSettingsAck(): void;
  onPing(bytes: Buffer, start: number): void;
  onPingAck(number: number): void;
  onGoaway(lastStreamId: number, code: number, message: string): void;
  onWindowUpdate(stream: Http2Stream | undefined, increment: number): void;
  /** The peer broke the rules of one stream (RFC 9113, section 5.4.2). */
  failStream(streamId: number, code: number): void;
  /** Bytes that nobody has to be done with: padding, and what came for streams that are over. */
  consumeUnread(stream: Http2Stream | undefined, bytes: number): void;
}

/** Takes the frames of one connection apart (RFC 9113, sections 4 and 6). */
export class IncomingFrames implements FrameSink {
  readonly reader: FrameReader = new FrameReader(this);
  /** The largest payload that is taken. */
  maxFrameBytes: number;
  readonly #target: FrameTarget;
  readonly #guard: FloodGuard;
  readonly #decoder: HpackDecoder;
  readonly #assembly: HeaderAssembly;
  #sawSettings = false;
  /** Of the DATA frame that is being read; undefined when nobody wants its content. */
  #dataStream: Http2Stream | undefined;
  #dataEndsStream = false;
  /** Of its payload, not yet accounted for: at its end, the padding. */
  #dataBytesLeft = 0;

  constructor(target: FrameTarget, guard: FloodGuard, options: Http2Options) {
    this.#target = target;
    this.#guard = guard;
    this.maxFrameBytes = options.maxFrameBytes;
    this.#assembly = new HeaderAssembly(options.maxHeaderListBytes);
    this.#decoder = new HpackDecoder({
      maxTableBytes: options.headerTableBytes,
      maxHeaderListBytes: options.maxHeaderListBytes,
    });
  }

  get sawSettings(): boolean {
    return this.#sawSettings;
  }

  /** Something has begun that should not take long. */
  get isWithinHeaders(): boolean {
    return this.#assembly.isOpen || this.reader.isWithinFrame;
  }

  onFrameHead(type: number, flags: number, streamId: number, length: number): boolean {
    if (length > this.maxFrameBytes) {
      const message = `a frame of ${length} bytes is over the limit of ${this.maxFrameBytes}`;
      throw new ConnectionError(errorCodes.frameSizeError, message);
    }
    if (!this.#sawSettings) this.#checkFirst(type, flags);
    if (this.#assembly.isOpen) {
      if (type !== frameTypes.continuation || streamId !== this.#assembly.streamId) {
        throw new ConnectionError(errorCodes.protocolError, 'a frame within a header block');
      }
    }
    checkFrameHead(type, streamId, length);
    if (type === frameTypes.data) this.#beginData(flags, streamId, length);
    else if (type === frameTypes.headers) this.#assembly.checkRoom(length);
    else if (type === frameTypes.continuation) {
      if (!this.#assembly.isOpen) {
        throw new ConnectionError(errorCodes.protocolError, 'CONTINUATION without HEADERS');
      }
      this.#assembly.checkRoom(length);
    } else if (type === frameTypes.priority) return this.#beginPriority(streamId, length);
    else if (type > frameTypes.continuation) {
      this.#guard.ignored();
      return false;
    }
    return true;
  }

  onFrame(
    type: number,
    flags: number,
    streamId: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const target = this.#target;
    switch (type) {
      case frameTypes.headers:
        this.#onBlock(this.#assembly.begin(streamId, flags, bytes, start, end));
        break;
      case frameTypes.continuation:
        this.#onBlock(this.#assembly.continue(flags, bytes, start, end));
        break;
      case frameTypes.priority:
        // Priorities are ignored, but a stream cannot depend on itself (RFC 7540, section 5.3.1).
        if ((bytes.readUInt32BE(start) & 0x7fff_ffff) === streamId) {
          target.failStream(streamId, errorCodes.protocolError);
        }
        break;
      case frameTypes.rstStream:
        this.#onRstStream(streamId, bytes.readUInt32BE(start));
        break;
      case frameTypes.settings:
        this.#onSettings(flags, bytes, start, end);
        break;
      case frameTypes.ping:
        if ((flags & frameFlags.ack) !== 0) target.onPingAck(bytes.readUInt32BE(start + 4));
        else {
          this.#guard.ping();
          target.onPing(bytes, start);
        }
        break;
      case frameTypes.goaway:
        this.#onGoaway(bytes, start, end);
        break;
      case frameTypes.windowUpdate:
        this.#onWindowUpdate(streamId, bytes.readUInt32BE(start) & 0x7fff_ffff);
        break;
      default:
      // None is left: the head of every other one said that it is not wanted.
    }
  }

  onDataBytes(bytes: Buffer, start: number, end: number, isLast: boolean): void {
    const stream = this.#dataStream;
    const length = end - start;
    this.#dataBytesLeft -= length;
    if (stream === undefined || stream.isClosed) {
      this.#target.consumeUnread(undefined, length + (isLast ? this.#dataBytesLeft : 0));
      return;
    }
    if (length > 0) {
      if (stream.contentBytesLeft >= 0 && !this.#countContent(stream, length)) return;
      stream.unreadBytes += length;
      stream.receiver.onData(bytes, start, end);
    }
    if (!isLast) return;
    if (this.#dataBytesLeft > 0) this.#target.consumeUnread(stream, this.#dataBytesLeft);
    if (this.#dataEndsStream && !stream.isClosed) this.#target.onEndedThere(stream);
  }

  #checkFirst(type: number, flags: number): void {
    if (type !== frameTypes.settings || (flags & frameFlags.ack) !== 0) {
      throw new ConnectionError(errorCodes.protocolError, 'the first frame is not SETTINGS');
    }
    this.#sawSettings = true;
  }

  #beginData(flags: number, streamId: number, length: number): void {
    const target = this.#target;
    if (!target.receiveWindow.take(length)) {
      throw new ConnectionError(errorCodes.flowControlError, 'more than the window of all streams');
    }
    const stream = target.streams.get(streamId);
    this.#dataStream = stream;
    this.#dataEndsStream = (flags & frameFlags.endStream) !== 0;
    this.#dataBytesLeft = length;
    if (stream === undefined) {
      target.onStrayFrame(frameTypes.data, streamId);
      return;
    }
    if (stream.hasEndedThere) target.failStream(streamId, errorCodes.streamClosed);
    else if (!stream.receiveWindow.take(length)) {
      target.failStream(streamId, errorCodes.flowControlError);
    } else if (length > 0) target.onContent(length);
    else if (!this.#dataEndsStream) this.#guard.emptyData();
  }

  /** False: there is more content than `content-length` said (section 8.1.1). */
  #countContent(stream: Http2Stream, length: number): boolean {
    stream.contentBytesLeft -= length;
    if (stream.contentBytesLeft >= 0) return true;
    this.#target.consumeUnread(stream, length);
    this.#target.failStream(stream.id, errorCodes.protocolError);
    return false;
  }

  #beginPriority(streamId: number, length: number): boolean {
    this.#guard.ignored();
    if (length === 5) return true;
    this.#target.failStream(streamId, errorCodes.frameSizeError);
    return false;
  }

  #onBlock(block: Uint8Array | undefined): void {
    if (block === undefined) return;
    const headers = this.#decode(block);
    const { streamId, endStream, dependsOnItself } = this.#assembly;
    this.#target.onHeaders({
      streamId,
      endStream,
      dependsOnItself,
      headers: headers instanceof HeaderListTooLarge ? undefined : headers,
    });
  }

  #decode(block: Uint8Array): HeaderList | HeaderListTooLarge {
    try {
      return this.#decoder.decode(block);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionError(errorCodes.compressionError, error.message, { cause: error });
    }
  }

  #onRstStream(streamId: number, code: number): void {
    const stream = this.#target.streams.get(streamId);
    if (stream === undefined) this.#target.onStrayFrame(frameTypes.rstStream, streamId);
    else this.#target.onReset(stream, code);
  }

  #onSettings(flags: number, bytes: Buffer, start: number, end: number): void {
    if ((flags & frameFlags.ack) === 0) {
      this.#guard.settings();
      this.#target.onSettings(bytes, start, end);
    } else if (end > start) {
      throw new ConnectionError(errorCodes.frameSizeError, 'an acknowledgement with settings');
    } else this.#target.onSettingsAck();
  }

  #onGoaway(bytes: Buffer, start: number, end: number): void {
    this.#target.onGoaway(
      bytes.readUInt32BE(start) & 0x7fff_ffff,
      bytes.readUInt32BE(start + 4),
      bytes.toString('utf8', start + 8, end),
    );
  }

  #onWindowUpdate(streamId: number, increment: number): void {
    this.#guard.windowUpdate();
    if (streamId === 0) {
      if (increment === 0) {
        throw new ConnectionError(errorCodes.protocolError, 'a window update by nothing');
      }
      this.#target.onWindowUpdate(undefined, increment);
      return;
    }
    const stream = this.#target.streams.get(streamId);
    if (stream === undefined) this.#target.onStrayFrame(frameTypes.windowUpdate, streamId);
    else if (increment === 0) this.#target.failStream(streamId, errorCodes.protocolError);
    else this.#target.onWindowUpdate(stream, increment);
  }
}
