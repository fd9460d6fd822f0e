import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type {
  Address,
  ByteStream,
  ByteStreamHandler,
  CallerCertificate,
  StreamTuning,
} from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { connectError, describeSocketError, distrustError, lossError } from './socket-errors.ts';
import { describeTlsProblem } from './tls-problems.ts';

/** After so many bytes of one stream, what else there is to do comes first. */
const bytesUntilRest = 262_144;

export interface SocketStreamOptions {
  /** Bytes that wait for the system before `write` says that the receiver is behind. */
  readonly sendBufferBytes: number;
  /** Where this side connects to; undefined for a connection that it took. */
  readonly dialled?: Address;
  /** Whoever made the socket calls {@link SocketStream.received} with what it brings. */
  readonly readsAreLent: boolean;
  /** What was read already. */
  readonly firstBytes?: Buffer;
  readonly certificate?: CallerCertificate | undefined;
}

/** A socket, plain or under TLS, as a stream of bytes. */
export class SocketStream implements ByteStream {
  readonly #socket: Socket;
  readonly #options: SocketStreamOptions;
  readonly #isEncrypted: boolean;
  #blockedAtBytes: number;
  #handler: ByteStreamHandler | undefined;
  #firstBytes: Buffer | undefined;
  #localHost: string | undefined;
  #open: boolean;
  #blocked = false;
  #paused = false;
  #isResting = false;
  #bytesSinceRest = 0;
  /** No more writes from here: `end` or `destroy` was called. */
  #ended = false;
  #endedThere = false;
  #flushed = false;
  #error: Error | undefined;

  constructor(socket: Socket, options: SocketStreamOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#isEncrypted = socket instanceof TLSSocket;
    this.#open = options.dialled === undefined;
    this.#firstBytes = options.firstBytes;
    this.#blockedAtBytes = blockedAt(socket, options.sendBufferBytes);
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#endReceived());
    socket.on('finish', () => {
      this.#flushed = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error ??= this.#lossOf(error);
      // An alert after the handshake is told as an error, and leaves the socket open.
      socket.destroy();
    });
    socket.on('close', () => this.#handler?.onClose(this.#closeError()));
  }

  get localHost(): string | undefined {
    this.#localHost ??= formatLocalHost(this.#socket.localAddress);
    return this.#localHost;
  }

  get certificate(): CallerCertificate | undefined {
    return this.#options.certificate;
  }

  get bufferedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  /** TLS may keep what it was given until the handshake is over; what TCP took was copied. */
  get keepsWritten(): boolean {
    return this.#isEncrypted || this.#socket.writableLength > 0;
  }

  get isOpen(): boolean {
    return this.#open && !this.#socket.destroyed;
  }

  /** Names who hears of everything from now on, and lets the bytes come. */
  start(handler: ByteStreamHandler): void {
    this.#handler = handler;
    if (!this.#options.readsAreLent) {
      this.#socket.on('data', (bytes: Buffer) => this.received(bytes));
    }
    this.#flow();
  }

  /** The other side is there. */
  opened(): void {
    if (this.#socket.destroyed) return;
    this.#open = true;
    this.#handler?.onOpen?.();
  }

  /** Something was read; whoever made a socket that lends its reads calls this. */
  received(bytes: Buffer): void {
    this.#handler?.onBytes(bytes);
    this.#bytesSinceRest += bytes.length;
    if (this.#bytesSinceRest >= bytesUntilRest && !this.#isResting) this.#rest();
  }

  /** Until the next round: libuv alone would read 2 MiB before it looks at another socket. */
  #rest(): void {
    this.#isResting = true;
    this.#socket.pause();
    setImmediate(() => {
      this.#isResting = false;
      this.#bytesSinceRest = 0;
      if (!this.#paused && !this.#socket.destroyed) this.#socket.resume();
    });
  }

  tune({ keepAliveMs, noDelay, sendBufferBytes }: StreamTuning): void {
    const socket = this.#socket;
    if (keepAliveMs !== undefined) socket.setKeepAlive(keepAliveMs > 0, keepAliveMs);
    if (noDelay !== undefined) socket.setNoDelay(noDelay);
    if (sendBufferBytes !== undefined) this.#blockedAtBytes = blockedAt(socket, sendBufferBytes);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#ended || socket.destroyed) return false;
    // Its answer is by a mark of its own. Mostly the system takes the bytes at once, all of them.
    socket.write(bytes);
    if (socket.writableLength >= this.#blockedAtBytes) this.#blocked = true;
    return !this.#blocked;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.end();
  }

  destroy(): void {
    const failure = { status: 'cancelled', message: 'the stream was destroyed' } as const;
    this.fail(new StatusError(failure, this.#open));
  }

  /** Ends it with a reason of our own. */
  fail(error: Error): void {
    if (this.#socket.destroyed) return;
    this.#error ??= error;
    this.#ended = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#paused = true;
    if (this.#handler !== undefined) this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#firstBytes === undefined) this.#flow();
    // Not inside this call: its caller may not be ready for bytes before it returns.
    else queueMicrotask(() => this.#flow());
  }

  /** What was read already comes first. */
  #flow(): void {
    const handler = this.#handler;
    const socket = this.#socket;
    if (handler === undefined || socket.destroyed) return;
    const firstBytes = this.#firstBytes;
    if (!this.#paused && firstBytes !== undefined) {
      this.#firstBytes = undefined;
      handler.onBytes(firstBytes);
    }
    // The handler may have changed its mind.
    if (this.#paused) socket.pause();
    else socket.resume();
  }

  #endReceived(): void {
    this.#endedThere = true;
    this.#handler?.onEnd();
  }

  #drained(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#handler?.onDrain?.();
  }

  #closeError(): Error | undefined {
    if (this.#error !== undefined) return this.#error;
    if (this.#endedThere && this.#flushed) return undefined;
    return this.#lossOf(new Error('the socket was closed'));
  }

  #lossOf(cause: Error): StatusError {
    const { dialled } = this.#options;
    const why = describeSocketError(cause);
    // With TLS 1.3 the server judges the client's certificate when the stream is open here already.
    if (dialled !== undefined && describeTlsProblem(cause) !== undefined) {
      return distrustError(dialled, why, cause);
    }
    if (this.#open || dialled === undefined) return lossError(why, cause);
    return connectError(dialled, why, cause);
  }
}

/** A socket tells of a drain only once it held as much as its own mark. */
function blockedAt(socket: Socket, sendBufferBytes: number): number {
  return Math.max(sendBufferBytes, socket.writableHighWaterMark);
}

/** IPv6 in brackets; of an IPv4 address that a socket for both shows as IPv6, what it is. */
function formatLocalHost(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  return address.includes(':') ? `[${address}]` : address;
}
