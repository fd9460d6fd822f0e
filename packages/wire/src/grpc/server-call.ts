import type { Failure, IncomingCall, Metadata } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { HeaderList } from '../hpack/header-list.ts';
import { http2Limits } from '../http2/http2-limits.ts';
import type { Http2Stream, StreamReceiver } from '../http2/http2-stream.ts';
import type { BudgetEnd, Holding, HoldingOwner } from './byte-budget.ts';
import { answerRefusal, callOverheadBytes, lateFailure, requestRefusal } from './call-budgets.ts';
import type { Expiring } from './call-deadlines.ts';
import type { CallHead } from './call-head.ts';
import { assertMetadata, withMetadata } from './call-metadata.ts';
import { okHeaders, okTrailers, packedHeaders } from './grpc-status.ts';
import { inflate } from './message-inflater.ts';
import { pack, packFromBytes } from './message-packer.ts';
import { MessageReader, prefixBytes, prefixOf, RefusedMessage } from './message-reader.ts';
import { closeRest, endInFailure } from './refused-request.ts';
import type { ServerContext } from './server-context.ts';

const noRequest = new Uint8Array(0);

/**
 * A unary call on the serving side. It reads the one request, then hands itself to the service;
 * from there on the service bounds what it keeps. One object a call, and nothing but the request
 * beside it, as long as request and answer each fit into a frame.
 */
export class ServerCall implements StreamReceiver, IncomingCall, HoldingOwner, Expiring {
  request: Uint8Array = noRequest;
  readonly #stream: Http2Stream;
  readonly #head: CallHead;
  readonly #context: ServerContext;
  /** `given up`: the service is at it, and nobody waits for its answer. */
  #state: 'reading' | 'asked' | 'given up' | 'answered' = 'reading';
  #requests = 0;
  #isCompressed = false;
  /** Only of a request that does not come in one piece. */
  #reader: MessageReader | undefined;
  /** Only while more is held than passes through at once. */
  #holding: Holding | undefined;
  #unmovedBytes = 0;
  /** Where its deadline waits. */
  #deadline: Set<Expiring> | undefined;
  /** Only for a service that asks for the signal. */
  #abort: AbortController | undefined;

  constructor(stream: Http2Stream, head: CallHead, context: ServerContext) {
    this.#stream = stream;
    this.#head = head;
    this.#context = context;
  }

  get method(): string {
    return this.#head.method;
  }

  get metadata(): Metadata {
    return this.#head.metadata;
  }

  get deadlineMs(): number | undefined {
    return this.#head.deadlineMs;
  }

  get localHost(): string | undefined {
    return this.#head.localHost;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#state === 'given up') this.#abort.abort();
    }
    return this.#abort.signal;
  }

  // ---- from the stream ----

  onHeaders(): void {
    // Trailers of a request say nothing in gRPC.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#stream.consume(end - start);
    if (this.#state !== 'reading') return;
    if (this.#reader === undefined && this.#takeWhole(bytes, start, end)) return;
    this.#reader ??= new MessageReader(this.#head.requestBytesMax, this.#head.encoding);
    this.#reader.feed(bytes, start, end);
    try {
      this.#takeRequests(this.#reader);
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.#refuse(error.failure);
      return;
    }
    if (!this.#reader.isEmpty) this.#hold(end - start);
  }

  onEnd(): void {
    if (this.#state !== 'reading') return;
    const isCut = this.#reader !== undefined && !this.#reader.isEmpty;
    if (isCut || this.#requests !== 1) {
      const what = isCut ? 'a request that was cut off' : `${this.#requests} requests`;
      this.#refuse({ status: 'internal', message: `a call with ${what}` });
    } else if (this.#isCompressed) this.#inflate();
    else this.#ask();
  }

  onDrain(): void {
    this.#release();
    if (this.#state !== 'reading' && this.#stream.hasEndedHere) closeRest(this.#stream);
  }

  onTick(): void {
    // Headers alone hold something too, when nothing comes behind them.
    if (this.#state === 'reading' && this.#holding === undefined) this.#hold(0);
  }

  onClose(): void {
    this.#release();
    if (this.#state === 'reading') this.#state = 'answered';
    else if (this.#state === 'asked') this.#giveUp();
  }

  onDeadline(): void {
    if (this.#state !== 'asked') return;
    endInFailure(this.#stream, lateFailure(this.#head.deadlineMs));
    this.#giveUp();
  }

  onBudgetEnd(end: BudgetEnd): void {
    if (this.#state !== 'reading') return;
    this.#refuse(end === 'over' ? requestRefusal : this.#context.budgets.lateRequest);
  }

  // ---- from the service ----

  reply(message: Uint8Array, metadata?: Metadata): void {
    assertMetadata(metadata);
    if (!this.#takesAnswer()) return;
    const stream = this.#stream;
    const packs = this.#head.packsAnswers && message.length >= packFromBytes;
    if (!this.#mayAnswer(message.length, packs)) endInFailure(stream, answerRefusal);
    else if (packs) this.#replyPacked(message, metadata);
    else this.#send(okHeaders, message, false, metadata);
  }

  fail(failure: Failure): void {
    assertMetadata(failure.metadata);
    if (this.#takesAnswer()) endInFailure(this.#stream, failure);
  }

  // ---- within ----

  #replyPacked(message: Uint8Array, metadata: Metadata | undefined): void {
    pack(this.#context.compute, message, (packed) => {
      if (this.#stream.isClosed) return;
      this.#send(packedHeaders, packed ?? message, packed !== undefined, metadata);
      // What has to wait is counted until it has left.
      if (this.#stream.pending === undefined) this.#release();
    });
  }

  #send(
    headers: HeaderList,
    bytes: Uint8Array,
    isPacked: boolean,
    metadata: Metadata | undefined,
  ): void {
    const stream = this.#stream;
    stream.sendHeaders(withMetadata(headers, metadata), false);
    stream.sendData(prefixOf(bytes, isPacked), bytes, false);
    stream.sendHeaders(okTrailers, true);
  }

  #giveUp(): void {
    this.#state = 'given up';
    this.#deadline?.delete(this);
    this.#abort?.abort();
  }

  /** The usual request: one frame that holds one message, and no more. */
  #takeWhole(bytes: Buffer, start: number, end: number): boolean {
    const length = end - start - prefixBytes;
    if (length < 0 || bytes[start] !== 0 || this.#requests > 0) return false;
    if (bytes.readUInt32BE(start + 1) !== length || length > this.#head.requestBytesMax) {
      return false;
    }
    const request = Buffer.allocUnsafe(length);
    bytes.copy(request, 0, start + prefixBytes, end);
    this.request = request;
    this.#requests = 1;
    return true;
  }

  #takeRequests(reader: MessageReader): void {
    for (;;) {
      const message = reader.take();
      if (message === undefined) return;
      this.request = message;
      this.#isCompressed = reader.isCompressed;
      this.#requests += 1;
    }
  }

  #inflate(): void {
    const { compute } = this.#context;
    this.#state = 'asked';
    inflate(
      compute,
      this.request,
      this.#head.requestBytesMax,
      (request) => {
        this.request = request;
        this.#ask();
      },
      (failure) => {
        this.#state = 'reading';
        this.#refuse(failure);
      },
    );
  }

  #ask(): void {
    this.#state = 'asked';
    this.#release();
    if (this.#stream.isClosed) return;
    this.#context.service.onCall(this);
    const { deadlineMs } = this.#head;
    if (this.#state !== 'asked' || deadlineMs === undefined) return;
    this.#deadline = this.#context.deadlines.add(this, deadlineMs);
  }

  #refuse(failure: Failure): void {
    this.#state = 'answered';
    this.request = noRequest;
    this.#reader = undefined;
    this.#release();
    if (!this.#stream.isClosed) endInFailure(this.#stream, failure);
  }

  /** Counts what waits for the rest of the request against the budget. */
  #hold(received: number): void {
    if (this.#head.isPeer) return;
    const { budgets } = this.#context;
    this.#holding ??= budgets.requests.open(this.#stream.connection, this);
    const held = callOverheadBytes + (this.#reader?.heldBytes ?? 0);
    if (held > this.#holding.bytes && !this.#holding.grow(held - this.#holding.bytes)) {
      this.#refuse(requestRefusal);
      return;
    }
    this.#unmovedBytes += received;
    if (this.#unmovedBytes < http2Limits.progressStepBytes) return;
    this.#unmovedBytes = 0;
    this.#holding.moved();
  }

  /** Whether there is room for an answer that does not leave at once. */
  #mayAnswer(bytes: number, packs: boolean): boolean {
    if (this.#head.isPeer) return true;
    if (!packs && this.#stream.sendsAtOnce(bytes + prefixBytes)) return true;
    const holding = this.#context.budgets.answers.open(this.#stream.connection, this);
    if (holding.grow(bytes + callOverheadBytes)) {
      this.#holding = holding;
      return true;
    }
    holding.release();
    return false;
  }

  #release(): void {
    this.#holding?.release();
    this.#holding = undefined;
  }

  /** Whether anybody still waits for the answer, of which there is one. */
  #takesAnswer(): boolean {
    const mayAnswer = this.#state === 'asked' || this.#state === 'given up';
    assert(mayAnswer, () => `${this.method} was answered twice`);
    const isAwaited = this.#state === 'asked' && !this.#stream.isClosed;
    this.#state = 'answered';
    this.#deadline?.delete(this);
    return isAwaited;
  }
}
