import type { HeaderList } from '../hpack/header-list.ts';
import { http2Preface } from '../sniff.ts';
import { errorCodes, settingIds } from './codes.ts';
import { areValidTrailers, type RequestHead, readRequest } from './header-rules.ts';
import { Http2Connection, type OpenBytes } from './http2-connection.ts';
import { ConnectionError } from './http2-error.ts';
import type { Http2Context, Http2Options } from './http2-options.ts';
import { Http2Stream, type StreamReceiver } from './http2-stream.ts';
import type { HeaderBlock } from './incoming-frames.ts';
import { RecentLists } from './recent-lists.ts';

/** Who serves the requests of a connection. */
export interface RequestServer {
  /**
   * A request began: returns who carries on. Without a head, its headers were more than the
   * options allow, and the request can only be refused.
   */
  onRequest(stream: Http2Stream, head: RequestHead | undefined): StreamReceiver;
  /** The connection is closed. */
  onGone(connection: ServerConnection): void;
}

const prefaceBytes: Buffer = Buffer.from(http2Preface, 'latin1');
const nobody: StreamReceiver = {
  onHeaders: ignore,
  onData: ignore,
  onEnd: ignore,
  onDrain: ignore,
  onTick: ignore,
  onClose: ignore,
};

/** The serving end of a connection. */
export class ServerConnection extends Http2Connection {
  readonly #server: RequestServer;
  readonly #heads: RecentLists<RequestHead> = new RecentLists();
  readonly #optionsFor: (purpose: number) => Http2Options;
  #prefaceRead = 0;
  #hasSpoken = false;

  /** `optionsFor` what the client says that the connection is for; 0: it says nothing. */
  constructor(
    optionsFor: (purpose: number) => Http2Options,
    context: Http2Context,
    openBytes: OpenBytes,
    server: RequestServer,
  ) {
    super(optionsFor(0), context, openBytes);
    this.#optionsFor = optionsFor;
    this.#server = server;
  }

  /** Whoever has not shown that it speaks HTTP/2 is told nothing in it (section 3.4). */
  override fail(code: number, message: string): void {
    if (this.#prefaceRead < prefaceBytes.length) {
      this.destroy(message);
      return;
    }
    this.#speakFirst();
    super.fail(code, message);
  }

  override drain(): void {
    if (this.#hasSpoken) super.drain();
    // It cannot have asked for anything yet.
    else this.destroy('the server takes no new connections');
  }

  /** What this side says first waits for the client's: it may depend on it. */
  override onSettings(bytes: Buffer, start: number, end: number): void {
    if (!this.#hasSpoken) {
      const purpose = purposeOf(bytes, start, end);
      if (purpose !== 0) this.configure(this.#optionsFor(purpose));
      this.#speakFirst();
    }
    super.onSettings(bytes, start, end);
  }

  onHeaders(block: HeaderBlock): void {
    const { streamId } = block;
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#onTrailers(stream, block);
    else if (this.isIdle(streamId)) this.#onNewStream(block);
    else this.#onStrayHeaders(streamId);
  }

  onGoaway(): void {
    // A client that goes away opens no more streams; those that it has are served.
    if (this.state === 'open') this.drain();
  }

  protected override read(bytes: Buffer): void {
    super.read(this.#prefaceRead < prefaceBytes.length ? this.#readPreface(bytes) : bytes);
  }

  protected isIdle(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.lastPeerStreamId;
  }

  protected onReady(): void {
    // Requests need not wait for it.
  }

  protected onEnded(): void {
    // The streams hear of it, and there is nobody else.
  }

  protected onGone(): void {
    this.#server.onGone(this);
  }

  /** Returns what is behind the preface (RFC 9113, section 3.4). */
  #readPreface(bytes: Buffer): Buffer {
    let at = 0;
    while (at < bytes.length && this.#prefaceRead < prefaceBytes.length) {
      if (bytes[at] !== prefaceBytes[this.#prefaceRead]) {
        throw new ConnectionError(errorCodes.protocolError, 'not the preface of HTTP/2');
      }
      at += 1;
      this.#prefaceRead += 1;
    }
    return bytes.subarray(at);
  }

  #speakFirst(): void {
    if (this.#hasSpoken) return;
    this.#hasSpoken = true;
    const { maxConcurrentStreams } = this.options;
    this.sendFirstSettings([[settingIds.maxConcurrentStreams, maxConcurrentStreams]]);
  }

  #onNewStream(block: HeaderBlock): void {
    const { streamId, headers, endStream } = block;
    if (streamId % 2 === 0) {
      throw new ConnectionError(errorCodes.protocolError, 'clients open streams of odd numbers');
    }
    this.lastPeerStreamId = streamId;
    if (this.state !== 'open' || this.streams.size >= this.options.maxConcurrentStreams) {
      this.#refuse(streamId, errorCodes.refusedStream);
      return;
    }
    const head = headers === undefined ? undefined : this.#readHead(headers);
    const isMalformed = headers !== undefined && head === undefined;
    const contentBytes = head?.contentBytes ?? -1;
    if (isMalformed || block.dependsOnItself || (endStream && contentBytes > 0)) {
      this.#refuse(streamId, errorCodes.protocolError);
      return;
    }
    const stream = new Http2Stream(this, streamId, nobody);
    stream.contentBytesLeft = contentBytes;
    this.streams.set(streamId, stream);
    stream.receiver = this.#server.onRequest(stream, head);
    if (endStream && !stream.isClosed) this.onEndedThere(stream);
  }

  #readHead(headers: HeaderList): RequestHead | undefined {
    const known = this.#heads.find(headers);
    if (known !== undefined) return known;
    const head = readRequest(headers);
    if (head !== undefined) this.#heads.put(headers, head);
    return head;
  }

  #onTrailers(stream: Http2Stream, block: HeaderBlock): void {
    const { headers, endStream } = block;
    if (stream.hasEndedThere) this.failStream(stream.id, errorCodes.streamClosed);
    else if (!endStream || headers === undefined || !areValidTrailers(headers)) {
      this.failStream(stream.id, errorCodes.protocolError);
    } else {
      stream.receiver.onHeaders(headers, true);
      if (!stream.isClosed) this.onEndedThere(stream);
    }
  }

  #onStrayHeaders(streamId: number): void {
    switch (this.recent.get(streamId)) {
      case 'reset here':
        // Sent before the peer knew of the end.
        this.ignoreFrame();
        break;
      case 'never used':
        throw new ConnectionError(errorCodes.protocolError, 'numbers of streams must rise');
      case 'ended':
      case 'reset there':
        throw new ConnectionError(errorCodes.streamClosed, 'HEADERS for a stream that is over');
    }
  }

  #refuse(streamId: number, code: number): void {
    this.recent.set(streamId, 'reset here');
    this.failStream(streamId, code);
  }
}

function ignore(): void {
  // Never asked: the stream has its receiver before anything else comes.
}

/** Of a SETTINGS frame's payload. */
function purposeOf(bytes: Buffer, start: number, end: number): number {
  for (let at = start; at < end; at += 6) {
    if (bytes.readUInt16BE(at) === settingIds.purpose) return bytes.readUInt32BE(at + 2);
  }
  return 0;
}
