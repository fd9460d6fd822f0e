import type { Failure } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { errorCodes } from '../http2/codes.ts';
import type { Http2Stream, StreamReceiver } from '../http2/http2-stream.ts';
import { failureHeaders } from './grpc-status.ts';

/** An answer without a message, to a call that is perhaps still being sent. */
export function endInFailure(stream: Http2Stream, failure: Failure): void {
  stream.sendHeaders(failureHeaders(failure), true);
  closeRest(stream);
}

/**
 * Tells a caller that is still sending that the rest is not wanted (RFC 9113, section 8.1). Only
 * once the answer has left: a reset drops what waits. Whoever sent it asks again then.
 */
export function closeRest(stream: Http2Stream): void {
  if (stream.pending === undefined) stream.reset(errorCodes.noError);
}

/** What else such a caller sends is thrown away. */
export class RefusedRequest implements StreamReceiver {
  readonly #stream: Http2Stream;

  constructor(stream: Http2Stream, failure: Failure) {
    this.#stream = stream;
    endInFailure(stream, failure);
  }

  onHeaders(): void {
    // Trailers of what is not wanted.
  }

  onData(_: Buffer, start: number, end: number): void {
    this.#stream.consume(end - start);
  }

  onEnd(): void {
    // Its answer is on the way.
  }

  onDrain(): void {
    closeRest(this.#stream);
  }

  onTick(): void {
    // The connection watches what waits to be sent.
  }

  onClose(): void {
    // Nobody else knows of the request.
  }
}

/** More of a request that is not gRPC is not listened to. */
const foreignBytesMax = 65_536;

/** A request of HTTP/2 that is not gRPC at all: it is answered when it has come to its end. */
export class ForeignRequest implements StreamReceiver {
  readonly #stream: Http2Stream;
  readonly #contentType: string;
  readonly #ticksMax: number;
  #bytesLeft = foreignBytesMax;
  #ticks = 0;
  #isAnswered = false;

  constructor(stream: Http2Stream, contentType: string | undefined, ticksMax: number) {
    this.#stream = stream;
    this.#contentType = contentType ?? 'none';
    this.#ticksMax = ticksMax;
  }

  onHeaders(): void {
    // Trailers; the end comes with them.
  }

  onData(_: Buffer, start: number, end: number): void {
    this.#stream.consume(end - start);
    this.#bytesLeft -= end - start;
    if (this.#bytesLeft < 0) this.#answer();
  }

  onEnd(): void {
    this.#answer();
  }

  onDrain(): void {
    if (this.#isAnswered) closeRest(this.#stream);
  }

  onTick(): void {
    this.#ticks += 1;
    if (this.#ticks > this.#ticksMax) this.#answer();
  }

  onClose(): void {
    // Nobody else knows of the request.
  }

  #answer(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    const stream = this.#stream;
    const type = this.#contentType;
    stream.sendHeaders(foreignHeaders, false);
    const text = `this port speaks gRPC over HTTP/2 (content-type application/grpc), not ${type}\n`;
    stream.sendData(Buffer.from(text, 'latin1'), noBytes, true);
    closeRest(stream);
  }
}

const foreignHeaders: HeaderList = Object.freeze([
  ...[':status', '415', 'content-type', 'text/plain; charset=utf-8'],
]);
const noBytes = new Uint8Array(0);
