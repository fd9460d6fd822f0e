import type { Failure, MessageStream, StreamHandler, StreamOptions, Timer } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { errorCodes } from '../http2/codes.ts';
import type { Http2Stream, StreamEnd, StreamReceiver } from '../http2/http2-stream.ts';
import { headerOf, noMetadata } from './call-metadata.ts';
import type { ChannelContext } from './channel-context.ts';
import type { ChannelLink, Waiter } from './channel-link.ts';
import { trailersFailure } from './grpc-status.ts';
import { isGrpcContentType } from './grpc-text.ts';
import { MessagePipe, type PipeOwner } from './message-pipe.ts';
import { MessageReader } from './message-reader.ts';
import { httpStatusFailure, resetCode, resetFailure } from './status-codes.ts';

/** The calling end of a stream. Until the connection stands, what is sent waits here. */
export class ClientStream implements MessageStream, Waiter, StreamReceiver, PipeOwner {
  readonly #context: ChannelContext;
  readonly #method: string;
  readonly #options: StreamOptions;
  readonly #handler: StreamHandler;
  readonly #reader: MessageReader;
  #link: ChannelLink | undefined;
  #stream: Http2Stream | undefined;
  #pipe: MessagePipe | undefined;
  readonly #startedMs: number;
  #deadline: Timer | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isPaused = false;
  #state: 'open' | 'ended here' | 'closed' = 'open';
  /** What the peer has said: that it answers, and that all went well. */
  #answer: 'none' | 'begun' | 'ok' = 'none';
  /** While the peer has not taken the stream up. */
  #takeUpTimer: Timer | undefined;
  /** The peer ended its direction, and all of it was delivered. */
  #isDelivered = false;

  constructor(
    method: string,
    options: StreamOptions,
    handler: StreamHandler,
    context: ChannelContext,
  ) {
    this.#method = method;
    this.#options = options;
    this.#startedMs = context.clock.monotonicMs();
    this.#handler = handler;
    this.#context = context;
    this.#reader = new MessageReader(context.answerBytesMax, undefined);
  }

  begin(link: ChannelLink): void {
    const { deadlineMs } = this.#options;
    if (deadlineMs !== undefined) {
      this.#deadline = this.#context.clock.setTimer(deadlineMs, () => this.#timedOut(deadlineMs));
    }
    this.#link = link;
    link.whenOpen(this);
  }

  // ---- from the connection ----

  onOpen(link: ChannelLink): void {
    if (this.#state === 'closed') return;
    const { compute, sendBufferBytes, answerBytesMax, headers } = this.#context;
    const head = headers.of(this.#method, this.#leftMs(), this.#options);
    const stream = link.connection.openStream(head, this);
    this.#stream = stream;
    const pipe = new MessagePipe(stream, this.#reader, this.#handler, this, {
      compute,
      compression: this.#options.compression,
      sendBufferBytes,
      messageBytesMax: answerBytesMax,
    });
    this.#pipe = pipe;
    if (this.#isPaused) pipe.pause();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of waiting) pipe.send(message);
    if (this.#state === 'ended here') pipe.whenSent(() => stream.end());
    this.#waitForHead();
    if (this.#waitingBytes < sendBufferBytes) return;
    pipe.oweDrain();
    // In a turn of its own, as every other call of the handler.
    if (pipe.queuedBytes === 0) queueMicrotask(() => pipe.onDrain());
  }

  onUnavailable(failure: Failure): void {
    this.fail(failure);
  }

  /** Ends the stream on this side; the peer, if it knows of it, sees a cancelled one. */
  fail(failure: Failure): void {
    this.#finish(failure);
    this.#stream?.reset(errorCodes.cancel);
  }

  // ---- for the caller ----

  send(message: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    if (this.#pipe !== undefined) return this.#pipe.send(message);
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    return this.#waitingBytes < this.#context.sendBufferBytes;
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ended here';
    this.#pipe?.whenSent(() => this.#stream?.end());
    this.#finishIfDone();
  }

  reset(failure: Failure): void {
    if (this.#state === 'closed') return;
    this.#finish(failure);
    this.#stream?.reset(resetCode(failure));
  }

  pause(): void {
    this.#isPaused = true;
    this.#pipe?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#pipe?.resume();
  }

  // ---- from the stream ----

  onHeaders(headers: HeaderList): void {
    if (this.#state === 'closed') return;
    const isTrailers = this.#answer !== 'none' || headerOf(headers, 'grpc-status') !== undefined;
    if (!isTrailers) {
      this.#onHead(headers);
      return;
    }
    const failure = trailersFailure(headers, noMetadata);
    if (failure === undefined) this.#answer = 'ok';
    else this.fail(failure);
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#pipe?.onData(bytes, start, end);
  }

  onEnd(): void {
    this.#pipe?.onEnd();
  }

  onDrain(): void {
    this.#pipe?.onDrain();
  }

  onTick(): void {
    // The connection watches what waits to be sent, and for signs of life.
  }

  onClose(end: StreamEnd): void {
    switch (end.kind) {
      case 'done':
        // What was not delivered yet still is, once the handler takes it.
        this.#finishIfDone();
        break;
      case 'unprocessed':
        this.#finish({ status: 'unavailable', message: 'the peer takes no new calls' });
        break;
      case 'reset':
        this.#finish(this.#answer === 'ok' ? undefined : resetFailure(end.code));
        break;
      case 'lost':
        this.#finish({ status: 'unavailable', message: this.#link?.lossMessage ?? end.reason });
        break;
    }
  }

  onRemoteEnd(): void {
    this.#isDelivered = true;
    if (this.#answer !== 'ok') {
      this.fail({ status: 'internal', message: 'the peer ended the stream without a status' });
      return;
    }
    if (this.#state !== 'closed') this.#handler.onEnd?.();
    this.#finishIfDone();
  }

  onRefused(failure: Failure): void {
    this.reset(failure);
  }

  // ---- within ----

  #timedOut(deadlineMs: number): void {
    const message = `${this.#method}: not over within ${deadlineMs} ms`;
    this.fail({ status: 'deadlineExceeded', message });
  }

  /** For the peer; 0 when there is no deadline. */
  #leftMs(): number {
    const { deadlineMs } = this.#options;
    if (deadlineMs === undefined) return 0;
    return Math.max(1, deadlineMs - (this.#context.clock.monotonicMs() - this.#startedMs));
  }

  #waitForHead(): void {
    const { clock, schedule, requestTimeoutMs } = this.#context;
    if (requestTimeoutMs === 0) return;
    const giveUp = (): void => {
      if (this.#takeUpTimer === undefined || this.#state === 'closed') return;
      this.#context.onRequestTaken(false);
      const message = `the stream was not taken up within ${requestTimeoutMs} ms`;
      this.fail({ status: 'deadlineExceeded', message });
    };
    // The loop may have been blocked: what arrived meanwhile is read before judging.
    this.#takeUpTimer = clock.setTimer(requestTimeoutMs, () => schedule.afterPoll(giveUp));
  }

  #onHead(headers: HeaderList): void {
    if (this.#takeUpTimer !== undefined) this.#context.onRequestTaken(true);
    this.#takeUpTimer?.cancel();
    this.#takeUpTimer = undefined;
    const type = headerOf(headers, 'content-type');
    const status = headerOf(headers, ':status');
    if (status !== '200' || !isGrpcContentType(type)) {
      this.fail(httpStatusFailure(status, type));
      return;
    }
    this.#answer = 'begun';
    this.#reader.encoding = headerOf(headers, 'grpc-encoding');
  }

  #finishIfDone(): void {
    if (this.#isDelivered && this.#answer === 'ok' && this.#state === 'ended here') {
      this.#finish(undefined);
    }
  }

  #finish(failure: Failure | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#deadline?.cancel();
    this.#takeUpTimer?.cancel();
    this.#pipe?.stop();
    this.#waiting = [];
    this.#link?.forget(this);
    this.#context.onSettled(this);
    // In a turn of its own: never in the middle of the handler's own call.
    queueMicrotask(() => this.#handler.onClose(failure));
  }
}
