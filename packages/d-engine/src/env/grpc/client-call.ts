import { setMaxListeners } from 'node:events';
import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { Answer, CallOptions, Failure, Metadata } from '@d-engine/base';
import { errorRegistry, StatusError } from '@d-engine/base';
import {
  errorMetadataKey,
  formatTimeout,
  httpStatusFailure,
  isGrpcContentType,
  RefusedMessage,
  resetFailure,
} from '@d-engine/wire';
import type { ClientConnection, Waiter } from './client-connection.ts';
import { cutOff } from './cut-off.ts';
import { metadataOf } from './headers.ts';
import { frameMessage, MessageReader } from './message-reader.ts';
import { trailersFailure } from './status.ts';

const noMetadata: Metadata = Object.freeze({});

export interface CallRequest {
  readonly method: string;
  readonly request: Uint8Array;
  readonly options: CallOptions;
  readonly answerBytesMax: number;
  /** Called once, when the call has its outcome. */
  readonly onSettled: () => void;
}

/** A unary call on the calling side, from the moment it was asked for. */
export class ClientCall implements Waiter {
  readonly outcome: Promise<Answer>;
  readonly #call: CallRequest;
  readonly #dueMs: number;
  readonly #deadline: NodeJS.Timeout;
  readonly #abort = (): void => this.fail({ status: 'cancelled', message: 'the caller gave up' });
  readonly #reader: MessageReader;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: StatusError) => void;
  #settled = false;
  #connection: ClientConnection | undefined;
  #stream: ClientHttp2Stream | undefined;
  #answer: Uint8Array | undefined;
  #metadata = noMetadata;
  /** What the trailers said; null while there were none. */
  #ended: { readonly failure: Failure | undefined } | null = null;

  constructor(call: CallRequest) {
    this.#call = call;
    this.#reader = new MessageReader(call.answerBytesMax, undefined);
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { deadlineMs, signal } = call.options;
    this.#dueMs = performance.now() + deadlineMs;
    this.#deadline = setTimeout(() => {
      const message = `${call.method}: no answer within ${deadlineMs} ms`;
      this.fail({ status: 'deadlineExceeded', message });
    }, deadlineMs);
    if (signal !== undefined) {
      // One signal may stand for any number of calls; each takes its listener back.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', this.#abort, { once: true });
    }
  }

  begin(connection: ClientConnection): void {
    this.#connection = connection;
    connection.whenOpen(this);
  }

  onOpen(connection: ClientConnection): void {
    if (this.#settled) return;
    const { method, request, options } = this.#call;
    const stream = connection.session.request({
      ...options.metadata,
      ':method': 'POST',
      ':path': `/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': formatTimeout(this.#dueMs - performance.now()),
    });
    this.#stream = stream;
    this.#listen(stream);
    const chunks = frameMessage(request);
    for (const [index, chunk] of chunks.entries()) {
      if (index === chunks.length - 1) stream.end(chunk);
      else stream.write(chunk);
    }
  }

  onUnavailable(failure: Failure): void {
    this.fail(failure);
  }

  /** Ends the call here; the peer is told if it may know of it. */
  fail(failure: Failure): void {
    const stream = this.#stream;
    this.#settle(new StatusError(failure, stream !== undefined));
    if (stream !== undefined) cutOff(stream);
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('response', (headers) => this.#onHeaders(headers));
    stream.on('trailers', (trailers: IncomingHttpHeaders) => this.#onTrailers(trailers));
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    // 'close' follows every error and knows its code.
    stream.on('error', () => undefined);
    stream.on('close', () => this.#onClose(stream.rstCode));
  }

  #onHeaders(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const type = headers['content-type'];
    if (headers['grpc-status'] !== undefined) this.#onTrailers(headers);
    else if (headers[':status'] !== 200 || !isGrpcContentType(type)) {
      this.fail(httpStatusFailure(headers[':status'], type));
    } else this.#metadata = metadataOf(headers);
  }

  #onTrailers(trailers: IncomingHttpHeaders): void {
    const failure = trailersFailure(trailers, this.#metadata);
    this.#metadata = metadataOf(trailers, this.#metadata);
    this.#ended = { failure };
    // A failure needs nothing more; a success waits for its message to be complete.
    if (failure !== undefined) this.#settle(new StatusError(failure, true));
  }

  #onData(chunk: Buffer): void {
    if (this.#settled) return;
    this.#reader.push(chunk);
    try {
      const message = this.#reader.take();
      if (message === undefined) return;
      if (this.#answer !== undefined) this.fail(invalid('more than one answer'));
      this.#answer = message;
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.fail(invalid(error.message));
    }
  }

  #onClose(rstCode: number): void {
    if (this.#settled) return;
    if (this.#ended !== null) {
      const message = this.#answer;
      if (message === undefined) this.#settle(new StatusError(invalid('no answer message'), true));
      else this.#settle({ message, metadata: this.#metadata });
    } else if (rstCode === constants.NGHTTP2_REFUSED_STREAM) {
      // Said by the peer, or by our stack after a GOAWAY: the call was not looked at.
      const message = `${this.#call.method}: the peer takes no new calls`;
      this.#settle(new StatusError({ status: 'unavailable', message }, false));
    } else this.#settle(new StatusError(this.#lossFailure(rstCode), true));
  }

  #lossFailure(rstCode: number): Failure {
    const connection = this.#connection;
    if (connection?.lost !== true) return resetFailure(rstCode);
    return { status: 'unavailable', message: connection.lossMessage };
  }

  #settle(outcome: Answer | StatusError): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#deadline);
    this.#call.options.signal?.removeEventListener('abort', this.#abort);
    this.#connection?.forget(this);
    if (outcome instanceof StatusError) this.#reject(outcome);
    else this.#resolve(outcome);
    this.#call.onSettled();
  }
}

/** The write may have been applied, and asking again would bring the same: InvalidResponse. */
function invalid(problem: string): Failure {
  const metadata = { [errorMetadataKey]: String(errorRegistry.InvalidResponse.code) };
  return { status: 'internal', message: `the peer's answer is invalid: ${problem}`, metadata };
}
