import type { Answer, CallOptions, Failure, IncomingCall, Metadata } from '@d-engine/base';
import { assert, StatusError } from '@d-engine/base';
import { contentHash } from '../fingerprint.ts';
import type { Kernel } from '../kernel.ts';
import type { ScheduledEvent } from '../life.ts';
import type { Attached, Side } from './side.ts';

const noMetadata: Metadata = Object.freeze({});

export interface CallRequest {
  readonly method: string;
  readonly request: Uint8Array;
  readonly options: CallOptions;
  /** `options.deadlineMs` in virtual time: the caller's clock may run fast. */
  readonly virtualDeadlineMs: number;
  readonly localHost: string;
}

/** A unary call on the calling side. */
export class ClientCall implements Attached {
  readonly #kernel: Kernel;
  readonly #side: Side;
  readonly #call: CallRequest;
  readonly #requestHash: number;
  readonly #startMs: number;
  readonly #resolve: (answer: Answer) => void;
  readonly #reject: (error: StatusError) => void;
  readonly #deadline: ScheduledEvent;
  readonly #abort: () => void;
  #settled = false;
  #sent = false;

  constructor(
    kernel: Kernel,
    side: Side,
    call: CallRequest,
    resolve: (answer: Answer) => void,
    reject: (error: StatusError) => void,
  ) {
    this.#kernel = kernel;
    this.#side = side;
    this.#call = call;
    this.#requestHash = contentHash(call.request);
    this.#startMs = kernel.nowMs;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#abort = (): void => this.fail({ status: 'cancelled', message: 'the caller gave up' });
    call.options.signal?.addEventListener('abort', this.#abort, { once: true });
    this.#deadline = kernel.post(call.virtualDeadlineMs, side.life, () => {
      this.fail({ status: 'deadlineExceeded', message: `${call.method} took too long` });
    });
    side.attach(this);
    side.connection.whenOpen(() => this.#send());
  }

  lost(failure: Failure): void {
    this.fail(failure);
  }

  fail(failure: Failure): void {
    if (!this.#settle()) return;
    this.#kernel.trace.record('callFailed', this.#side.node.name, failure.status);
    this.#reject(new StatusError(failure, this.#sent));
  }

  answer(message: Uint8Array, metadata: Metadata, hash: number): void {
    if (!this.#settle()) return;
    assert(contentHash(message) === hash, 'an answer was changed after it was sent');
    this.#kernel.trace.record('answer', this.#side.node.name, this.#call.method, hash);
    this.#resolve({ message, metadata });
  }

  #send(): void {
    const server = this.#side.peer;
    if (this.#settled || server === undefined) return;
    const { out, connection } = this.#side;
    this.#sent = true;
    if (out.chance(this.#kernel.mishaps.resetProbability)) connection.breakDown();
    // What is left is measured when the request leaves, as gRPC's header has it.
    const deadlineMs = this.#call.options.deadlineMs - (this.#kernel.nowMs - this.#startMs);
    out.transmit(this.#call.request.length, server.life, () => this.#arrive(server, deadlineMs));
  }

  #arrive(server: Side, deadlineMs: number): void {
    if (!server.open) return;
    const { request, method } = this.#call;
    assert(contentHash(request) === this.#requestHash, 'a request was changed after it was sent');
    this.#kernel.trace.record('call', server.node.name, method, this.#requestHash);
    const incoming = new ServerCall(this.#kernel, server, this, this.#call, deadlineMs);
    if (server.draining) incoming.fail({ status: 'unavailable', message: 'the server closes' });
    else server.service.onCall(incoming);
  }

  #settle(): boolean {
    if (this.#settled || !this.#side.life.alive) return false;
    this.#settled = true;
    this.#kernel.cancel(this.#deadline);
    this.#call.options.signal?.removeEventListener('abort', this.#abort);
    this.#side.detach(this);
    return true;
  }
}

/** The same call on the serving side. */
class ServerCall implements IncomingCall, Attached {
  readonly method: string;
  readonly request: Uint8Array;
  readonly metadata: Metadata;
  readonly deadlineMs: number;
  readonly localHost: string;
  readonly #kernel: Kernel;
  readonly #side: Side;
  readonly #client: ClientCall;
  readonly #clientSide: Side;
  #answered = false;
  #abort: AbortController | undefined;

  constructor(
    kernel: Kernel,
    side: Side,
    client: ClientCall,
    call: CallRequest,
    deadlineMs: number,
  ) {
    this.#kernel = kernel;
    this.#side = side;
    this.#client = client;
    this.#clientSide = side.connection.client;
    this.method = call.method;
    this.request = call.request;
    this.metadata = call.options.metadata ?? noMetadata;
    this.deadlineMs = deadlineMs;
    this.localHost = call.localHost;
    side.attach(this);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (!this.#side.open) abort.abort();
      else this.#kernel.post(this.deadlineMs, this.#side.life, () => abort.abort());
    }
    return this.#abort.signal;
  }

  lost(): void {
    // Whoever answers later finds the side closed.
    this.#abort?.abort();
  }

  reply(message: Uint8Array, metadata: Metadata = noMetadata): void {
    const hash = contentHash(message);
    this.#answer(message.length, () => this.#client.answer(message, metadata, hash));
  }

  fail(failure: Failure): void {
    this.#answer(0, () => this.#client.fail(failure));
  }

  #answer(bytes: number, deliver: () => void): void {
    assert(!this.#answered, () => `${this.method} was answered twice`);
    this.#answered = true;
    const { out, connection, life } = this.#side;
    if (!this.#side.open || !life.alive) return;
    if (out.chance(this.#kernel.mishaps.resetProbability)) connection.breakDown();
    out.transmit(bytes, this.#clientSide.life, () => {
      if (this.#clientSide.open) deliver();
    });
    this.#side.detach(this);
  }
}
