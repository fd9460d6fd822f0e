import type { HeaderList } from '../hpack/header-list.ts';
import { http2Preface } from '../sniff.ts';
import { errorCodes, settingIds, streamIdMax } from './codes.ts';
import { areValidTrailers, readResponse } from './header-rules.ts';
import { Http2Connection, type OpenBytes } from './http2-connection.ts';
import { ConnectionError } from './http2-error.ts';
import type { Http2Context, Http2Options } from './http2-options.ts';
import { Http2Stream, type StreamReceiver } from './http2-stream.ts';
import type { HeaderBlock } from './incoming-frames.ts';

/** Who has opened a connection. */
export interface ConnectionOwner {
  /** The peer's first SETTINGS are here: requests may go. */
  onReady(): void;
  /** A stream has ended, so that there may be room for another one. */
  onRoom(): void;
  /** No more streams can be opened, for whatever reason. Called once or not at all. */
  onUnusable(): void;
  /** The connection is closed; its streams have heard of it. */
  onGone(): void;
}

/** The calling end of a connection. */
export class ClientConnection extends Http2Connection {
  readonly #owner: ConnectionOwner;
  #nextStreamId = 1;
  #isReady = false;

  constructor(
    options: Http2Options,
    context: Http2Context,
    openBytes: OpenBytes,
    owner: ConnectionOwner,
  ) {
    super(options, context, openBytes);
    this.#owner = owner;
    this.writer.raw(Buffer.from(http2Preface, 'latin1'));
    this.sendFirstSettings([
      [settingIds.enablePush, 0],
      ...(options.purpose === 0 ? [] : [[settingIds.purpose, options.purpose] as const]),
    ]);
    // Its first bytes wait for no turn: the peer's answer to them is what everything waits for.
    this.flush();
  }

  /** The peer has spoken HTTP/2. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether streams can be opened, now or when there is room. */
  get isUsable(): boolean {
    return this.state === 'open' && this.#nextStreamId <= streamIdMax;
  }

  /** Whether the peer takes another stream just now. */
  get hasRoom(): boolean {
    const { size } = this.streams;
    return (
      this.#isReady && size < this.peer.maxConcurrentStreams && size < this.options.openStreamsMax
    );
  }

  /** Only while it is usable and has room. */
  openStream(headers: HeaderList, receiver: StreamReceiver): Http2Stream {
    const stream = new Http2Stream(this, this.#nextStreamId, receiver);
    this.#nextStreamId += 2;
    this.streams.set(stream.id, stream);
    stream.openedAtFlush = this.writer.flushes;
    // At once, also to a peer that is behind: streams have to begin in the order of their numbers.
    this.writeHeaders(stream, headers, false);
    return stream;
  }

  /** Whether a byte of the stream was handed to the stream of bytes. */
  wasSent(stream: Http2Stream): boolean {
    return this.writer.flushes > stream.openedAtFlush;
  }

  onHeaders(block: HeaderBlock): void {
    const stream = this.streams.get(block.streamId);
    if (stream === undefined) {
      this.#onStrayHeaders(block.streamId);
      return;
    }
    const { headers, endStream } = block;
    if (stream.hasEndedThere) this.failStream(stream.id, errorCodes.streamClosed);
    else if (headers === undefined) this.failStream(stream.id, errorCodes.enhanceYourCalm);
    else if (stream.hasResponse) this.#onTrailers(stream, headers, endStream);
    else this.#onResponse(stream, headers, endStream);
  }

  onGoaway(lastStreamId: number, code: number, message: string): void {
    if (this.state === 'open') {
      this.state = 'draining';
      this.#owner.onUnusable();
    }
    if (code !== errorCodes.noError) {
      this.noteReason(`the peer went away with HTTP/2 code ${code} ${message}`.trim());
    }
    for (const stream of this.streams.values()) {
      if (stream.id > lastStreamId) this.endStream(stream, { kind: 'unprocessed' });
    }
    this.finishIfDrained();
  }

  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextStreamId;
  }

  protected onReady(): void {
    if (this.#isReady) this.#owner.onRoom();
    else {
      this.#isReady = true;
      this.#owner.onReady();
    }
  }

  protected override onRoom(): void {
    this.#owner.onRoom();
  }

  protected onEnded(): void {
    this.#owner.onUnusable();
  }

  protected onGone(): void {
    this.#owner.onGone();
  }

  #onResponse(stream: Http2Stream, headers: HeaderList, endStream: boolean): void {
    const head = readResponse(headers);
    const isInterim = head !== undefined && head.status < 200;
    if (head === undefined || (isInterim && endStream)) {
      this.failStream(stream.id, errorCodes.protocolError);
      return;
    }
    if (isInterim) {
      this.ignoreFrame();
      return;
    }
    stream.hasResponse = true;
    if (!endStream) stream.contentBytesLeft = head.contentBytes;
    stream.receiver.onHeaders(headers, endStream);
    if (endStream && !stream.isClosed) this.onEndedThere(stream);
  }

  #onTrailers(stream: Http2Stream, headers: HeaderList, endStream: boolean): void {
    if (!endStream || !areValidTrailers(headers)) {
      this.failStream(stream.id, errorCodes.protocolError);
      return;
    }
    stream.receiver.onHeaders(headers, true);
    if (!stream.isClosed) this.onEndedThere(stream);
  }

  #onStrayHeaders(streamId: number): void {
    if (this.isIdle(streamId)) {
      throw new ConnectionError(errorCodes.protocolError, 'HEADERS for a stream that never began');
    }
    // The answer to a request that was given up.
    this.ignoreFrame();
  }
}
