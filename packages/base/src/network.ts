import type { CallerCertificate } from './byte-streams.ts';
import type { Address } from './ids.ts';

/**
 * Whole messages between processes: unary calls and two-way streams, with reset and
 * back-pressure. Virtual runs implement this directly; the real one speaks gRPC.
 * Messages are bytes; a receiver may keep them, a sender must not change them after sending.
 */
export interface Network {
  /**
   * Serves calls and streams on `address` (port 0 picks a free one).
   * Rejects with a {@link StatusError} of code `unavailable` when the port is taken.
   */
  listen(address: Address, service: Service): Promise<Listener>;
  /** A channel to `address`. It connects when first used and again after a loss. */
  connect(address: Address, options?: ChannelOptions): Channel;
  /**
   * What is sent within `work` leaves when it returns, all that goes to one peer together. Outside
   * of it, that may happen only once more of what has arrived was read.
   */
  batch(work: () => void): void;
}

export interface Listener {
  /** With the real port. */
  readonly address: Address;
  /** Stops accepting, resets what is open after `graceMs`. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/**
 * What the connections of two members carry, each kind over its own: a vote or a heartbeat never
 * waits behind megabytes of entries or of a snapshot.
 */
export type Plane = 'control' | 'data' | 'bulk';

export interface ChannelOptions {
  /** Of a member's connection to another one; a network may have other settings for each. */
  readonly plane?: Plane;
  /** Covers everything up to the first byte that the peer answers. */
  readonly connectTimeoutMs?: number;
}

/**
 * Text keys (lower case) and values sent beside a call, an answer or a failure. The value of a key
 * that ends in `-bin` stands for bytes: it is their base64, or several ones joined by commas.
 */
export type Metadata = Readonly<Record<string, string>>;

/** gRPC's status codes, by their numbers on the wire. */
export const statusCodes = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;
export type StatusName = keyof typeof statusCodes;
export type FailureStatus = Exclude<StatusName, 'ok'>;

export interface Failure {
  readonly status: FailureStatus;
  readonly message: string;
  readonly metadata?: Metadata;
}

/** A call or stream that ended in a failure, as an exception. */
export class StatusError extends Error implements Failure {
  override readonly name = 'StatusError';
  readonly status: FailureStatus;
  readonly metadata: Metadata;
  /**
   * False only when it is certain that no byte of the request was handed to a connection, so that
   * repeating it cannot apply it twice (design rule 9).
   */
  readonly mayHaveBeenSent: boolean;

  constructor(failure: Failure, mayHaveBeenSent: boolean, options?: ErrorOptions) {
    super(failure.message, options);
    this.status = failure.status;
    this.metadata = failure.metadata ?? {};
    this.mayHaveBeenSent = mayHaveBeenSent;
  }
}

// ---- the calling side ----

export interface Channel {
  readonly address: Address;
  /**
   * Of the connection that a call made now would go over. Another number is another connection,
   * and maybe another process behind the address.
   */
  readonly connectionNumber: number;
  /** One request, one answer. Rejects with {@link StatusError}; never hangs past `deadlineMs`. */
  call(method: string, request: Uint8Array, options: CallOptions): Promise<Answer>;
  /** Opens a two-way stream. The handler hears of everything after this call has returned. */
  openStream(method: string, handler: StreamHandler, options?: StreamOptions): MessageStream;
  /** Resets what is open; later calls fail with `cancelled`. */
  close(): void;
}

export interface CallOptions {
  /** Time for the whole call, from now; 1 or more. */
  readonly deadlineMs: number;
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
  /** Packs the request, if that makes it smaller. */
  readonly compression?: 'gzip';
}

export interface StreamOptions {
  readonly metadata?: Metadata;
  /** Time for the whole stream, from now; without it the stream may last for ever. */
  readonly deadlineMs?: number;
  /** Packs the messages that this side sends, if that makes them smaller. */
  readonly compression?: 'gzip';
}

export interface Answer {
  readonly message: Uint8Array;
  /** Headers and trailers together. */
  readonly metadata: Metadata;
}

// ---- both sides of a stream ----

export interface MessageStream {
  /**
   * Queues one message, in order. False: the receiver is behind, pause until `onDrain`; the
   * message itself was taken. After the end of the stream it is dropped and false.
   */
  send(message: Uint8Array): boolean;
  /** Nothing more from this side; the other one may go on. */
  end(): void;
  /** Ends both directions at once; the peer's `onClose` gets the failure. */
  reset(failure: Failure): void;
  /** Stops `onMessage` (and, through flow control, the sender) until {@link resume}. */
  pause(): void;
  resume(): void;
}

export interface StreamHandler {
  onMessage(message: Uint8Array): void;
  /** The receiver caught up after a `send` that returned false. */
  onDrain?(): void;
  /** The other side sends nothing more, and all that it sent was delivered. */
  onEnd?(): void;
  /** Called once, last. Without a failure both sides ended it in good order. */
  onClose(failure: Failure | undefined): void;
}

// ---- the serving side ----

export interface Service {
  /** A unary call; answer it once through `call`, now or later. */
  onCall(call: IncomingCall): void;
  /** A new stream: returns who handles it, or refuses it. */
  onStream(stream: IncomingStream): StreamHandler | Failure;
}

export interface IncomingCall {
  /** `package.Service/Method`, without the leading slash. */
  readonly method: string;
  readonly request: Uint8Array;
  readonly metadata: Metadata;
  /** Time the caller would still wait when the call arrived, when it said so. */
  readonly deadlineMs: number | undefined;
  /**
   * Aborts when nobody waits any more: the deadline has passed, the caller gave up, or it is gone.
   * An answer that comes later goes nowhere, and is no mistake.
   */
  readonly signal: AbortSignal;
  /** The host by which the caller reached this node, without port, when known. */
  readonly localHost: string | undefined;
  reply(message: Uint8Array, metadata?: Metadata): void;
  fail(failure: Failure): void;
}

export interface IncomingStream extends MessageStream {
  readonly method: string;
  readonly metadata: Metadata;
  readonly localHost: string | undefined;
  /** What the caller has shown, on networks that ask for it. */
  readonly certificate?: CallerCertificate | undefined;
}
