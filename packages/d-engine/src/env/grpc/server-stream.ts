import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Failure, IncomingStream, Metadata, Service, StreamHandler } from '@d-engine/base';
import { resetFailure } from '@d-engine/wire';
import { cutOff } from './cut-off.ts';
import { MessagePipe, type PipeOwner } from './message-pipe.ts';
import type { MessageReader } from './message-reader.ts';
import { assertMetadata, type CallHead, endInFailure, gone } from './server-call.ts';
import { failureTrailers, okTrailers } from './status.ts';

/** Time for the reason of a reset to get through before the stream is cut off without one. */
const resetGraceMs = 250;

const okHeaders = Object.freeze({ ':status': 200, 'content-type': 'application/grpc' });
const ignoreMessages = (): void => undefined;

/** Offers a new stream to the service and carries it from then on. */
export function serveStream(
  stream: ServerHttp2Stream,
  head: CallHead,
  reader: MessageReader,
  service: Service,
  connection: { readonly socket: Socket; readonly sendBufferBytes: number },
): void {
  const incoming = new ServerStream(stream, head, connection.socket);
  const answer = service.onStream(incoming);
  if ('onMessage' in answer) incoming.start(answer, reader, connection.sendBufferBytes);
  else incoming.refuse(answer);
}

/** The serving end of a stream. */
class ServerStream implements IncomingStream, PipeOwner {
  readonly method: string;
  readonly metadata: Metadata;
  readonly localHost: string | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #socket: Socket;
  /** What the service did with the stream before it gave a handler. */
  #early: (() => void)[] | undefined = [];
  #pipe: MessagePipe | undefined;
  #handler: StreamHandler = { onMessage: ignoreMessages, onClose: ignoreMessages };
  #closed = false;
  #endedHere = false;
  #trailers = okTrailers;

  constructor(stream: ServerHttp2Stream, head: CallHead, socket: Socket) {
    this.method = head.method;
    this.metadata = head.metadata;
    this.localHost = head.localHost;
    this.#stream = stream;
    this.#socket = socket;
  }

  refuse(failure: Failure): void {
    this.#closed = true;
    assertMetadata(failure.metadata);
    endInFailure(this.#stream, failure);
  }

  start(handler: StreamHandler, reader: MessageReader, sendBufferBytes: number): void {
    const stream = this.#stream;
    this.#handler = handler;
    this.#pipe = new MessagePipe(stream, reader, handler, this, sendBufferBytes);
    stream.on('wantTrailers', () => {
      if (!gone(stream)) stream.sendTrailers(this.#trailers);
    });
    stream.on('close', () => this.#finish(this.#closeFailure()));
    // Headers at once: the caller learns that the stream stands before there is a message.
    stream.respond(okHeaders, { waitForTrailers: true });
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const action of early) action();
  }

  send(message: Uint8Array): boolean {
    if (this.#closed || this.#endedHere) return false;
    if (this.#pipe !== undefined) return this.#pipe.send(message);
    this.#early?.push(() => this.#pipe?.send(message));
    return true;
  }

  end(): void {
    if (this.#deferred(() => this.end()) || this.#closed || this.#endedHere) return;
    this.#endedHere = true;
    this.#pipe?.end();
  }

  reset(failure: Failure): void {
    assertMetadata(failure.metadata);
    if (this.#deferred(() => this.reset(failure)) || this.#closed) return;
    const stream = this.#stream;
    this.#trailers = failureTrailers(failure);
    if (this.#endedHere) cutOff(stream);
    else {
      stream.end();
      setTimeout(() => cutOff(stream), resetGraceMs).unref();
    }
    this.#finish(failure);
  }

  pause(): void {
    if (!this.#deferred(() => this.pause())) this.#pipe?.pause();
  }

  resume(): void {
    if (!this.#deferred(() => this.resume())) this.#pipe?.resume();
  }

  onRemoteEnd(): void {
    // Both directions ended in good order: 'close' follows and says so.
  }

  onRefused(failure: Failure): void {
    this.reset(failure);
  }

  #deferred(action: () => void): boolean {
    this.#early?.push(action);
    return this.#early !== undefined;
  }

  #closeFailure(): Failure | undefined {
    const stream = this.#stream;
    const { rstCode } = stream;
    if (rstCode === constants.NGHTTP2_NO_ERROR && stream.readableEnded) return undefined;
    // A caller that got the final status may drop its own direction.
    if (this.#endedHere && stream.writableFinished) return undefined;
    if (this.#socket.destroyed) {
      return { status: 'unavailable', message: 'the connection was lost' };
    }
    return resetFailure(rstCode);
  }

  #finish(failure: Failure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pipe?.stop();
    // In a turn of its own: never in the middle of the handler's own call.
    queueMicrotask(() => this.#handler.onClose(failure));
  }
}
