import type { CallerCertificate } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import type { PeerSettings } from './peer-settings.ts';
import { PendingOutput } from './pending-output.ts';
import { ReceiveWindow } from './receive-window.ts';

/** How a stream ended that its owner did not reset. */
export type StreamEnd =
  /** Both directions came to their end. */
  | { readonly kind: 'done' }
  /** By RST_STREAM of the peer, or by this side for a fault of the peer. */
  | { readonly kind: 'reset'; readonly code: number; readonly byPeer: boolean }
  /** The peer said that it has not looked at the request (RFC 9113, section 8.7). */
  | { readonly kind: 'unprocessed' }
  /** The connection is gone. */
  | { readonly kind: 'lost'; readonly reason: string };

/** Who carries on what a stream brings. */
export interface StreamReceiver {
  /** Fields behind the first ones: an answer's head, or trailers. */
  onHeaders(headers: HeaderList, endStream: boolean): void;
  /**
   * Content, lent for the call. Whoever is done with it says so by `consume`; until then it counts
   * against what the peer may send.
   */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The peer sends nothing more. */
  onEnd(): void;
  /** All that was queued is on its way. */
  onDrain(): void;
  /** Once in a while, while the stream is there. */
  onTick(): void;
  /** Called once, last; not after {@link Http2Stream.reset}. */
  onClose(end: StreamEnd): void;
}

/** The connection, as its streams use it. */
export interface StreamConnection {
  readonly peer: PeerSettings;
  /** What a stream's peer may have under way. */
  readonly streamWindowBytes: number;
  /** What the peer has shown, on transports that ask for it. */
  readonly certificate: CallerCertificate | undefined;
  maySend(): boolean;
  /** Whether windows and transport take so much content of the stream in one frame now. */
  fits(stream: Http2Stream, bytes: number): boolean;
  writeHeaders(stream: Http2Stream, headers: HeaderList, endStream: boolean): void;
  writeData(
    stream: Http2Stream,
    first: Uint8Array,
    second: Uint8Array,
    endStream: boolean,
  ): boolean;
  writeEnd(stream: Http2Stream): void;
  /** The stream has something that waits. */
  addWaiting(stream: Http2Stream): void;
  resetStream(stream: Http2Stream, code: number): void;
  consume(stream: Http2Stream, bytes: number): void;
}

/**
 * One request and its answer (RFC 9113, section 5). A stream that was not refused is in the
 * connection's table from its first header to its end.
 */
export class Http2Stream {
  readonly id: number;
  readonly connection: StreamConnection;
  receiver: StreamReceiver;
  /** `half closed (local)`: this side has ended; `half closed (remote)`: the other one has. */
  state: 'open' | 'half closed (local)' | 'half closed (remote)' | 'closed' = 'open';
  /** What the peer lets this side send; below zero after it has lowered its window. */
  sendWindowBytes: number;
  readonly receiveWindow: ReceiveWindow;
  /** Content that is to come, by `content-length`; -1 when it is not known. */
  contentBytesLeft = -1;
  /** Content that the receiver has got and is not done with. */
  unreadBytes = 0;
  /** Of the calling side: the answer's head is here. */
  hasResponse = false;
  /** Of the calling side: how often its connection had flushed when the stream was opened. */
  openedAtFlush = 0;
  /** What waits for windows or for the socket. */
  pending: PendingOutput | undefined;

  constructor(connection: StreamConnection, id: number, receiver: StreamReceiver) {
    this.connection = connection;
    this.id = id;
    this.receiver = receiver;
    this.sendWindowBytes = connection.peer.streamWindowBytes;
    this.receiveWindow = new ReceiveWindow(connection.streamWindowBytes);
  }

  get isClosed(): boolean {
    return this.state === 'closed';
  }

  get hasEndedHere(): boolean {
    return this.state === 'half closed (local)' || this.state === 'closed';
  }

  get hasEndedThere(): boolean {
    return this.state === 'half closed (remote)' || this.state === 'closed';
  }

  /** Bytes of content that wait. */
  get queuedBytes(): number {
    return this.pending?.bytes ?? 0;
  }

  /** Whether so much content would go on its way now, and wait for nobody. */
  sendsAtOnce(bytes: number): boolean {
    return this.pending === undefined && this.connection.fits(this, bytes);
  }

  sendHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.hasEndedHere) return;
    if (this.pending === undefined && this.connection.maySend()) {
      this.connection.writeHeaders(this, headers, endStream);
      return;
    }
    this.#queue().headers(headers, endStream);
  }

  /** Content in two parts, of which the first one may be reused after the call. */
  sendData(first: Uint8Array, second: Uint8Array, endStream: boolean): void {
    if (this.hasEndedHere) return;
    if (this.pending === undefined && this.connection.writeData(this, first, second, endStream)) {
      return;
    }
    const queue = this.#queue();
    queue.data(new Uint8Array(first), false);
    queue.data(second, endStream);
  }

  /** Nothing more comes from this side. */
  end(): void {
    if (this.hasEndedHere) return;
    if (this.pending === undefined) this.connection.writeEnd(this);
    else this.pending.end();
  }

  /** Ends both directions at once; the receiver hears nothing more. */
  reset(code: number): void {
    if (this.state !== 'closed') this.connection.resetStream(this, code);
  }

  /** The receiver is done with content that it got. */
  consume(bytes: number): void {
    this.connection.consume(this, bytes);
  }

  #queue(): PendingOutput {
    if (this.pending === undefined) {
      this.pending = new PendingOutput();
      this.connection.addWaiting(this);
    }
    assert(!this.pending.isEnded, 'a stream was ended and then sent more');
    return this.pending;
  }
}
