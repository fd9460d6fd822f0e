import type {
  CallerCertificate,
  Failure,
  IncomingStream,
  Metadata,
  StreamHandler,
} from '@d-engine/base';
import { errorCodes } from '../http2/codes.ts';
import type { Http2Stream, StreamEnd, StreamReceiver } from '../http2/http2-stream.ts';
import type { Holding, HoldingOwner } from './byte-budget.ts';
import { answerRefusal, lateFailure } from './call-budgets.ts';
import type { Expiring } from './call-deadlines.ts';
import type { CallHead } from './call-head.ts';
import { assertMetadata } from './call-metadata.ts';
import { failureTrailers, okHeaders, okTrailers, packedHeaders } from './grpc-status.ts';
import { MessagePipe, type PipeOwner } from './message-pipe.ts';
import { MessageReader } from './message-reader.ts';
import { endInFailure } from './refused-request.ts';
import type { ServerContext } from './server-context.ts';
import { resetFailure } from './status-codes.ts';

const noHandler: StreamHandler = { onMessage: ignore, onClose: ignore };

/** The serving end of a stream. */
export class ServerStream
  implements IncomingStream, StreamReceiver, PipeOwner, Expiring, HoldingOwner
{
  readonly #stream: Http2Stream;
  readonly #head: CallHead;
  readonly #context: ServerContext;
  readonly #pipe: MessagePipe;
  #handler: StreamHandler = noHandler;
  /** `offered`: the service has not yet said whether it takes the stream. */
  #state: 'offered' | 'open' | 'ended here' | 'closed' = 'offered';
  /** What the handler has to hear as soon as there is one. */
  #early: { readonly failure: Failure | undefined } | undefined;
  #sentHeaders = false;
  /** Both directions have ended ... */
  #isDone = false;
  /** ... and all that the caller had sent was delivered. */
  #isDelivered = false;
  /** Of what a client does not take: one that opens many streams could fill the memory. */
  #holding: Holding | undefined;
  /** Where its deadline waits. */
  #deadline: Set<Expiring> | undefined;
  /** After a reset: until the reason has left, or this many ticks have passed. */
  #graceTicks = -1;

  constructor(stream: Http2Stream, head: CallHead, context: ServerContext) {
    this.#stream = stream;
    this.#head = head;
    this.#context = context;
    const reader = new MessageReader(head.requestBytesMax, head.encoding);
    const forward: StreamHandler = {
      onMessage: (message) => this.#handler.onMessage(message),
      onDrain: () => this.#handler.onDrain?.(),
      onClose: ignore,
    };
    this.#pipe = new MessagePipe(stream, reader, forward, this, {
      compute: context.compute,
      compression: head.packsAnswers ? 'gzip' : undefined,
      sendBufferBytes: context.sendBufferBytes,
      messageBytesMax: head.requestBytesMax,
    });
  }

  get method(): string {
    return this.#head.method;
  }

  get metadata(): Metadata {
    return this.#head.metadata;
  }

  get localHost(): string | undefined {
    return this.#head.localHost;
  }

  get certificate(): CallerCertificate | undefined {
    return this.#stream.connection.certificate;
  }

  /** Asks the service. */
  offer(): void {
    const { deadlineMs } = this.#head;
    if (deadlineMs !== undefined) {
      this.#deadline = this.#context.deadlines.add(this, deadlineMs);
    }
    const answer = this.#context.service.onStream(this);
    if ('onMessage' in answer) this.#start(answer);
    else this.#refuse(answer);
  }

  // ---- for the service ----

  send(message: Uint8Array): boolean {
    if (this.#state === 'closed' || this.#state === 'ended here') return false;
    this.#sendHeaders();
    const isTaken = this.#pipe.send(message);
    if (this.#pipe.queuedBytes > 0 && !this.#head.isPeer && !this.#holds()) {
      this.#giveUp();
      return false;
    }
    return isTaken;
  }

  end(): void {
    if (this.#state === 'closed' || this.#state === 'ended here') return;
    this.#sendHeaders();
    this.#state = 'ended here';
    this.#pipe.whenSent(() => this.#stream.sendHeaders(okTrailers, true));
  }

  reset(failure: Failure): void {
    assertMetadata(failure.metadata);
    if (this.#state === 'closed') return;
    const stream = this.#stream;
    if (this.#state === 'ended here') this.#cutOff(errorCodes.cancel);
    else {
      this.#sendHeaders();
      stream.sendHeaders(failureTrailers(failure), true);
      this.#graceTicks = this.#context.resetGraceTicks;
      this.#cutOffWhenSent();
    }
    this.#finish(failure);
  }

  pause(): void {
    this.#pipe.pause();
  }

  resume(): void {
    this.#pipe.resume();
  }

  onDeadline(): void {
    this.reset(lateFailure(this.#head.deadlineMs));
  }

  // ---- from the stream ----

  onHeaders(): void {
    // Trailers of a request say nothing in gRPC.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#pipe.onData(bytes, start, end);
  }

  onEnd(): void {
    this.#pipe.onEnd();
  }

  onDrain(): void {
    this.#release();
    this.#pipe.onDrain();
    if (this.#graceTicks >= 0) this.#cutOffWhenSent();
  }

  onTick(): void {
    if (this.#graceTicks < 0) return;
    this.#graceTicks -= 1;
    if (this.#graceTicks < 0) this.#cutOff(errorCodes.cancel);
  }

  onBudgetEnd(): void {
    this.#giveUp();
  }

  onClose(end: StreamEnd): void {
    this.#release();
    // A caller that got the final status may drop its own direction.
    const hasSentAll = this.#stream.pending === undefined && this.#pipe.queuedBytes === 0;
    const isDone = this.#state === 'ended here' && hasSentAll;
    if (end.kind === 'done') this.#isDone = true;
    if (end.kind === 'done') this.#finishIfDone();
    else if (isDone && end.kind === 'reset') this.#finish(undefined);
    else if (end.kind === 'reset') this.#finish(resetFailure(end.code));
    else this.#finish({ status: 'unavailable', message: 'the connection was lost' });
  }

  onRemoteEnd(): void {
    this.#isDelivered = true;
    if (this.#state !== 'closed') this.#handler.onEnd?.();
    this.#finishIfDone();
  }

  onRefused(failure: Failure): void {
    this.reset(failure);
  }

  // ---- within ----

  #start(handler: StreamHandler): void {
    this.#handler = handler;
    if (this.#state === 'offered') this.#state = 'open';
    // Headers at once: the caller learns that the stream stands before there is a message.
    this.#sendHeaders();
    if (this.#early !== undefined) this.#tell(this.#early.failure);
  }

  #refuse(failure: Failure): void {
    assertMetadata(failure.metadata);
    if (this.#state !== 'offered') return;
    if (this.#sentHeaders) this.reset(failure);
    else {
      this.#finish(failure);
      endInFailure(this.#stream, failure);
      this.#graceTicks = this.#context.resetGraceTicks;
    }
  }

  #sendHeaders(): void {
    if (this.#sentHeaders) return;
    this.#sentHeaders = true;
    this.#stream.sendHeaders(this.#head.packsAnswers ? packedHeaders : okHeaders, false);
  }

  /** For want of room: at once, as the reason would wait behind all that nobody takes. */
  #giveUp(): void {
    this.#cutOff(errorCodes.enhanceYourCalm);
    this.#finish(answerRefusal);
  }

  /** What waits is dropped, and the caller hears no reason but the code. */
  #cutOff(code: number): void {
    this.#release();
    this.#stream.reset(code);
  }

  /** Counts what waits to be sent; false when there is no room for it. */
  #holds(): boolean {
    this.#holding ??= this.#context.budgets.answers.open(this.#stream.connection, this);
    const more = this.#pipe.queuedBytes - this.#holding.bytes;
    return more <= 0 || this.#holding.grow(more);
  }

  #release(): void {
    this.#holding?.release();
    this.#holding = undefined;
  }

  /** Tells a caller that still sends that the rest is not wanted, once it has the reason. */
  #cutOffWhenSent(): void {
    if (this.#stream.pending === undefined) this.#cutOff(errorCodes.noError);
  }

  #finishIfDone(): void {
    if (this.#isDone && this.#isDelivered) this.#finish(undefined);
  }

  #finish(failure: Failure | undefined): void {
    if (this.#state === 'closed') return;
    const isOffered = this.#state === 'offered';
    this.#state = 'closed';
    this.#deadline?.delete(this);
    this.#pipe.stop();
    if (isOffered) this.#early = { failure };
    else this.#tell(failure);
  }

  /** In a turn of its own: never in the middle of the handler's own call. */
  #tell(failure: Failure | undefined): void {
    queueMicrotask(() => this.#handler.onClose(failure));
  }
}

function ignore(): void {
  // The service was not yet asked, or has refused: nobody listens.
}
