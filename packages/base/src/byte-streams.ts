import type { Address } from './ids.ts';

/**
 * Streams of bytes between processes, in order and whole or broken off: what a codec speaks over.
 * The real ones are TCP, with or without TLS; virtual ones split and delay bytes as a seed says.
 */
export interface ByteNetwork {
  /**
   * Takes connections on `address` (port 0 picks a free one). `onConnection` answers each with who
   * handles it. Rejects with a {@link StatusError} of code `unavailable` when the port is taken.
   */
  listen(
    address: Address,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
  ): Promise<ByteListener>;
  /** Starts to connect. `handler.onOpen` tells of success, `onClose` of everything else. */
  connect(address: Address, handler: ByteStreamHandler): ByteStream;
}

export interface ByteListener {
  /** With the real port. */
  readonly address: Address;
  /** Takes no more connections; those that are open stay. Idempotent. */
  close(): Promise<void>;
}

export interface ByteStream {
  /** The address by which the other side reached this one, without port, when known. */
  readonly localHost: string | undefined;
  /** What a caller has shown, on transports that ask for it. */
  readonly certificate?: CallerCertificate | undefined;
  /**
   * Sends bytes in order; the caller does not change them afterwards. False: the receiver is
   * behind, wait for `onDrain`; the bytes themselves were taken. Before it is open they wait; once
   * it has ended or is closed they are dropped, and false.
   */
  write(bytes: Uint8Array): boolean;
  /** Applies to the stream from now on; transports without such things have no use for it. */
  tune?(tuning: StreamTuning): void;
  /** Bytes taken and not yet handed to the system. */
  readonly bufferedBytes: number;
  /**
   * False: nothing that was written is looked at any more, and its memory may be used again. True,
   * or without this: for as long as the stream likes.
   */
  readonly keepsWritten?: boolean;
  /** Nothing more from this side, once what was written is out; the other one may go on. */
  end(): void;
  /** Ends both directions at once and drops what was not sent. */
  destroy(): void;
  /** Stops `onBytes` (and, through the transport, the sender) until {@link resume}. */
  pause(): void;
  resume(): void;
}

/** Of a caller that proved who it is, by an authority that is trusted here (mTLS). */
export interface CallerCertificate {
  /** Whom it names, for messages. */
  readonly subject: string;
  /** `host` is a name or an IP address, without brackets. */
  bears(host: string): boolean;
}

export interface StreamTuning {
  /** Silence after which the system asks the other side for a sign of life; 0: it never does. */
  readonly keepAliveMs?: number;
  /** Whether small writes leave at once (TCP_NODELAY). */
  readonly noDelay?: boolean;
  /** Bytes that wait for the system before `write` calls the receiver behind. */
  readonly sendBufferBytes?: number;
}

export interface ByteStreamHandler {
  /** Of a stream that this side opened: the other side is there. */
  onOpen?(): void;
  /** The bytes belong to the stream again when this returns: keep a copy, never a view. */
  onBytes(bytes: Uint8Array): void;
  /** The receiver caught up after a `write` that returned false. */
  onDrain?(): void;
  /** The other side sends nothing more. */
  onEnd(): void;
  /** Called once, last, whoever ended it. With an error unless both sides ended in good order. */
  onClose(error: Error | undefined): void;
}
