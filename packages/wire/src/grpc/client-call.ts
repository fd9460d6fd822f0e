import type { Answer, CallOptions, Failure, Metadata, Timer } from '@d-engine/base';
import { errorRegistry, StatusError } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { errorCodes } from '../http2/codes.ts';
import type { Http2Stream, StreamEnd, StreamReceiver } from '../http2/http2-stream.ts';
import { errorMetadataKey } from '../leader-metadata.ts';
import { headerOf, metadataOf, noMetadata } from './call-metadata.ts';
import type { ChannelContext } from './channel-context.ts';
import type { ChannelLink, Waiter } from './channel-link.ts';
import { trailersFailure } from './grpc-status.ts';
import { isGrpcContentType } from './grpc-text.ts';
import { inflate } from './message-inflater.ts';
import { pack, packFromBytes } from './message-packer.ts';
import { MessageReader, prefixBytes, prefixOf, RefusedMessage } from './message-reader.ts';
import { httpStatusFailure, resetFailure } from './status-codes.ts';

/** A unary call on the calling side, from the moment it was asked for. */
export class ClientCall implements Waiter, StreamReceiver {
  readonly outcome: Promise<Answer>;
  readonly #context: ChannelContext;
  readonly #method: string;
  readonly #request: Uint8Array;
  readonly #options: CallOptions;
  readonly #startedMs: number;
  readonly #deadline: Timer;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: StatusError) => void;
  #isSettled = false;
  #link: ChannelLink | undefined;
  #stream: Http2Stream | undefined;
  #hasHead = false;
  #encoding: string | undefined;
  #reader: MessageReader | undefined;
  #answer: Uint8Array | undefined;
  #isCompressed = false;
  #metadata: Metadata = noMetadata;
  /** The peer said that all went well. */
  #isOk = false;

  constructor(method: string, request: Uint8Array, options: CallOptions, context: ChannelContext) {
    this.#context = context;
    this.#method = method;
    this.#request = request;
    this.#options = options;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#startedMs = context.clock.monotonicMs();
    this.#deadline = context.clock.setTimer(options.deadlineMs, () => this.#timedOut());
    if (options.signal !== undefined) context.signals.add(options.signal, this);
  }

  begin(link: ChannelLink): void {
    this.#link = link;
    link.whenOpen(this);
  }

  // ---- from the connection ----

  onOpen(link: ChannelLink): void {
    if (this.#isSettled) return;
    const { deadlineMs } = this.#options;
    const passedMs = this.#context.clock.monotonicMs() - this.#startedMs;
    // A call that did not have to wait tells its whole deadline: the same text every time.
    const leftMs = passedMs < 1 ? deadlineMs : deadlineMs - passedMs;
    if (leftMs <= 0) {
      // Its timer is due in this very turn.
      this.#timedOut();
      return;
    }
    const headers = this.#context.headers.of(this.#method, leftMs, this.#options);
    const stream = link.connection.openStream(headers, this);
    this.#stream = stream;
    const packs = this.#options.compression === 'gzip' && this.#request.length >= packFromBytes;
    if (packs) this.#sendPacked(stream);
    else stream.sendData(prefixOf(this.#request), this.#request, true);
  }

  onUnavailable(failure: Failure): void {
    this.fail(failure);
  }

  /** Ends the call here; the peer is told if it may know of it. */
  fail(failure: Failure): void {
    if (this.#isSettled) return;
    this.#settle(new StatusError(failure, this.#mayHaveBeenSent()));
    this.#stream?.reset(errorCodes.cancel);
  }

  /** The caller's signal says so. */
  aborted(): void {
    this.fail({ status: 'cancelled', message: 'the caller gave up' });
  }

  // ---- from the stream ----

  onHeaders(headers: HeaderList): void {
    if (this.#isSettled) return;
    const isTrailers = this.#hasHead || headerOf(headers, 'grpc-status') !== undefined;
    if (isTrailers) this.#onTrailers(headers);
    else this.#onHead(headers);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#stream?.consume(end - start);
    if (this.#isSettled) return;
    if (this.#reader === undefined && this.#takeWhole(bytes, start, end)) return;
    this.#reader ??= new MessageReader(this.#context.answerBytesMax, this.#encoding);
    this.#reader.feed(bytes, start, end);
    try {
      this.#takeAnswers(this.#reader);
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.fail(invalid(error.message));
    }
  }

  onEnd(): void {
    if (this.#isSettled) return;
    if (!this.#isOk) this.fail(invalid('it ended without a status'));
    else if (this.#answer === undefined) this.fail(invalid('no answer message'));
    else if (this.#reader?.isEmpty === false) this.fail(invalid('the message was cut off'));
    else if (this.#isCompressed) this.#inflate(this.#answer);
    else this.#settle({ message: this.#answer, metadata: this.#metadata });
  }

  onDrain(): void {
    // The whole request is on its way.
  }

  onTick(): void {
    // The deadline watches over the call.
  }

  onClose(end: StreamEnd): void {
    if (this.#isSettled) return;
    switch (end.kind) {
      case 'unprocessed': {
        const message = `${this.#method}: the peer takes no new calls`;
        this.#settle(new StatusError({ status: 'unavailable', message }, false));
        break;
      }
      case 'reset':
        this.#settle(new StatusError(resetFailure(end.code), true));
        break;
      case 'lost': {
        const message = this.#link?.lossMessage ?? end.reason;
        const error = new StatusError({ status: 'unavailable', message }, this.#mayHaveBeenSent());
        this.#settle(error);
        break;
      }
      case 'done':
      // An answer that is being unpacked.
    }
  }

  // ---- within ----

  #sendPacked(stream: Http2Stream): void {
    pack(this.#context.compute, this.#request, (packed) => {
      const bytes = packed ?? this.#request;
      // Closed when the call was settled meanwhile.
      stream.sendData(prefixOf(bytes, packed !== undefined), bytes, true);
    });
  }

  /** Once its headers are gathered they leave, unless the connection has ended before. */
  #mayHaveBeenSent(): boolean {
    const stream = this.#stream;
    const connection = this.#link?.connection;
    if (stream === undefined || connection === undefined) return false;
    return !connection.isOver || connection.wasSent(stream);
  }

  #timedOut(): void {
    const { deadlineMs } = this.#options;
    const message = `${this.#method}: no answer within ${deadlineMs} ms`;
    this.fail({ status: 'deadlineExceeded', message });
  }

  #onHead(headers: HeaderList): void {
    const type = headerOf(headers, 'content-type');
    if (headerOf(headers, ':status') !== '200' || !isGrpcContentType(type)) {
      this.fail(httpStatusFailure(headerOf(headers, ':status'), type));
      return;
    }
    this.#hasHead = true;
    this.#encoding = headerOf(headers, 'grpc-encoding');
    this.#metadata = metadataOf(headers);
  }

  #onTrailers(trailers: HeaderList): void {
    const failure = trailersFailure(trailers, this.#metadata);
    this.#metadata = metadataOf(trailers, this.#metadata);
    // A failure needs nothing more; a success waits for its message to be complete.
    if (failure === undefined) this.#isOk = true;
    else this.#settle(new StatusError(failure, true));
  }

  /** The usual answer: one frame that holds one message, and no more. */
  #takeWhole(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start - prefixBytes;
    if (length < 0 || bytes[start] !== 0 || this.#answer !== undefined) return false;
    if (bytes.readUInt32BE(start + 1) !== length || length > this.#context.answerBytesMax) {
      return false;
    }
    const answer = Buffer.allocUnsafe(length);
    bytes.copy(answer, 0, start + prefixBytes, end);
    this.#answer = answer;
    return true;
  }

  #takeAnswers(reader: MessageReader): void {
    for (;;) {
      const message = reader.take();
      if (message === undefined) return;
      if (this.#answer !== undefined) {
        this.fail(invalid('more than one answer'));
        return;
      }
      this.#answer = message;
      this.#isCompressed = reader.isCompressed;
    }
  }

  #inflate(packed: Uint8Array): void {
    const { compute, answerBytesMax } = this.#context;
    inflate(
      compute,
      packed,
      answerBytesMax,
      (message) => this.#settle({ message, metadata: this.#metadata }),
      (failure) => this.#settle(new StatusError(invalid(failure.message), true)),
    );
  }

  #settle(outcome: Answer | StatusError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#deadline.cancel();
    const { signal } = this.#options;
    if (signal !== undefined) this.#context.signals.delete(signal, this);
    this.#link?.forget(this);
    if (outcome instanceof StatusError) this.#reject(outcome);
    else this.#resolve(outcome);
    this.#context.onSettled(this);
  }
}

/** The write may have been applied, and asking again would bring the same: InvalidResponse. */
function invalid(problem: string): Failure {
  const metadata = { [errorMetadataKey]: String(errorRegistry.InvalidResponse.code) };
  return { status: 'internal', message: `the peer's answer is invalid: ${problem}`, metadata };
}
