import type { ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2';
import type { Failure, MessageStream, Metadata, StreamHandler } from '@d-engine/base';
import { httpStatusFailure, isGrpcContentType, resetCode, resetFailure } from '@d-engine/wire';
import type { ClientConnection, Waiter } from './client-connection.ts';
import { cutOff } from './cut-off.ts';
import { MessagePipe, type PipeOwner } from './message-pipe.ts';
import { MessageReader } from './message-reader.ts';
import { trailersFailure } from './status.ts';

export interface StreamRequest {
  readonly method: string;
  readonly metadata: Metadata;
  readonly handler: StreamHandler;
  readonly answerBytesMax: number;
  readonly sendBufferBytes: number;
  /** Called once, when the stream is closed. */
  readonly onSettled: () => void;
}

/** The calling end of a stream. Until the connection stands, what is sent waits here. */
export class ClientStream implements MessageStream, Waiter, PipeOwner {
  readonly #request: StreamRequest;
  #connection: ClientConnection | undefined;
  #stream: ClientHttp2Stream | undefined;
  #pipe: MessagePipe | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #paused = false;
  #endedHere = false;
  #closed = false;
  /** The peer said that all went well. */
  #succeeded = false;

  constructor(request: StreamRequest) {
    this.#request = request;
  }

  begin(connection: ClientConnection): void {
    this.#connection = connection;
    connection.whenOpen(this);
  }

  onOpen(connection: ClientConnection): void {
    if (this.#closed) return;
    const { method, metadata, handler, answerBytesMax, sendBufferBytes } = this.#request;
    const stream = connection.session.request({
      ...metadata,
      ':method': 'POST',
      ':path': `/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#stream = stream;
    const reader = new MessageReader(answerBytesMax, undefined);
    const pipe = new MessagePipe(stream, reader, handler, this, sendBufferBytes);
    this.#pipe = pipe;
    this.#listen(stream);
    const blocked = this.#waitingBytes >= sendBufferBytes;
    for (const message of this.#waiting.splice(0)) pipe.send(message);
    if (this.#endedHere) pipe.end();
    if (this.#paused) pipe.pause();
    if (blocked) pipe.oweDrain();
  }

  onUnavailable(failure: Failure): void {
    this.fail(failure);
  }

  /** Ends the stream on this side; the peer, if it knows of it, sees a cancelled one. */
  fail(failure: Failure): void {
    this.#finish(failure);
    this.#cutOff();
  }

  send(message: Uint8Array): boolean {
    if (this.#closed || this.#endedHere) return false;
    if (this.#pipe !== undefined) return this.#pipe.send(message);
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    return this.#waitingBytes < this.#request.sendBufferBytes;
  }

  end(): void {
    if (this.#closed || this.#endedHere) return;
    this.#endedHere = true;
    this.#pipe?.end();
  }

  reset(failure: Failure): void {
    if (this.#closed) return;
    this.#finish(failure);
    if (this.#stream !== undefined) cutOff(this.#stream, resetCode(failure));
  }

  pause(): void {
    this.#paused = true;
    this.#pipe?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#pipe?.resume();
  }

  onRemoteEnd(): void {
    if (this.#succeeded && this.#endedHere) this.#finish(undefined);
  }

  onRefused(failure: Failure): void {
    this.reset(failure);
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers) => this.#onHeaders(headers));
    stream.on('trailers', (trailers: IncomingHttpHeaders) => this.#onTrailers(trailers));
    // 'close' follows every error and knows its code.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#finish(this.#closeFailure(stream.rstCode)));
  }

  #onHeaders(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const type = headers['content-type'];
    if (headers['grpc-status'] !== undefined) this.#onTrailers(headers);
    else if (headers[':status'] !== 200 || !isGrpcContentType(type)) {
      this.fail(httpStatusFailure(headers[':status'], type));
    }
  }

  #onTrailers(trailers: IncomingHttpHeaders): void {
    const failure = trailersFailure(trailers, {});
    if (failure === undefined) this.#succeeded = true;
    else this.fail(failure);
  }

  #closeFailure(rstCode: number): Failure | undefined {
    if (this.#succeeded) return undefined;
    const connection = this.#connection;
    if (connection?.lost !== true) return resetFailure(rstCode);
    return { status: 'unavailable', message: connection.lossMessage };
  }

  #cutOff(): void {
    if (this.#stream !== undefined) cutOff(this.#stream);
  }

  #finish(failure: Failure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pipe?.stop();
    this.#waiting = [];
    this.#connection?.forget(this);
    this.#request.onSettled();
    // In a turn of its own: never in the middle of the handler's own call.
    queueMicrotask(() => this.#request.handler.onClose(failure));
  }
}
