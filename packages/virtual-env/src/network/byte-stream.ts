import type { ByteStream, ByteStreamHandler, Failure } from '@d-engine/base';
import { assert, StatusError } from '@d-engine/base';
import { contentHash } from '../fingerprint.ts';
import type { Kernel } from '../kernel.ts';
import type { BytePipeEnd } from './byte-pipe.ts';
import { BytePipe } from './byte-pipe.ts';
import type { Attached, Side } from './side.ts';

/** By their sides: the serving end finds the one that it was opened by. */
const streams: WeakMap<Side, VirtualByteStream> = new WeakMap();

export function byteStreamOf(side: Side): VirtualByteStream {
  const stream = streams.get(side);
  assert(stream !== undefined, 'this side of a connection carries no bytes');
  return stream;
}

/** One end of a connection that carries bytes. */
export class VirtualByteStream implements ByteStream, Attached, BytePipeEnd {
  readonly localHost: string;
  /** By which this side reached the other one. */
  readonly peerHost: string;
  readonly side: Side;
  readonly #kernel: Kernel;
  readonly #outgoing: BytePipe;
  #handler: ByteStreamHandler | undefined;
  #peer: VirtualByteStream | undefined;
  #opened = false;
  #closed = false;
  #paused = false;
  #endedThere = false;
  /** Everything from this side, and that it was all, is with the kernel. */
  #flushed = false;

  constructor(kernel: Kernel, side: Side, localHost: string, peerHost: string) {
    this.#kernel = kernel;
    this.side = side;
    this.localHost = localHost;
    this.peerHost = peerHost;
    this.#outgoing = new BytePipe(kernel, this);
    side.attach(this);
    streams.set(side, this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get waits(): boolean {
    return this.#paused || !this.#opened;
  }

  get bufferedBytes(): number {
    return this.#closed ? 0 : this.#outgoing.queuedBytes;
  }

  /** On the calling side: tells the handler of everything from now on. */
  begin(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.side.connection.whenOpen(() => this.#open());
  }

  /** On the serving side: there is a connection, though the other side does not know yet. */
  accept(client: VirtualByteStream, whoHandles: (stream: ByteStream) => ByteStreamHandler): void {
    this.#peer = client;
    client.#peer = this;
    this.#opened = true;
    this.#outgoing.flow(client);
    this.#handler = whoHandles(this);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || !this.side.life.alive) return false;
    return this.#outgoing.write(bytes);
  }

  end(): void {
    if (this.#closed || !this.side.life.alive) return;
    this.#outgoing.end();
  }

  destroy(): void {
    if (this.#closed || !this.side.life.alive) return;
    this.#close({ status: 'cancelled', message: 'the stream was destroyed' });
    this.#abandon();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || !this.side.life.alive) return;
    this.#paused = false;
    this.#incoming?.read();
  }

  // ---- from the connection ----

  lost(failure: Failure): void {
    this.#close(failure);
  }

  leaveToKernel(): boolean {
    if (!this.#opened || this.#peer === undefined) return false;
    this.#closed = true;
    this.#abandon();
    return true;
  }

  // ---- from the pipes ----

  receive(bytes: Uint8Array): void {
    this.#record('bytes', contentHash(bytes));
    this.#handler?.onBytes(bytes);
  }

  receiveEnd(): void {
    this.#record('bytesEnd');
    this.#endedThere = true;
    this.#handler?.onEnd();
    this.#leaveWhenBothEnded();
  }

  drained(): void {
    if (this.#closed) return;
    this.#record('bytesDrain');
    this.#handler?.onDrain?.();
  }

  flushed(): void {
    this.#flushed = true;
    this.#leaveWhenBothEnded();
  }

  get #incoming(): BytePipe | undefined {
    const peer = this.#peer;
    return peer === undefined ? undefined : peer.#outgoing;
  }

  #open(): void {
    const peer = this.#peer;
    if (this.#closed || peer === undefined) return;
    this.#opened = true;
    this.#outgoing.flow(peer);
    this.#handler?.onOpen?.();
    peer.#outgoing.read();
  }

  /**
   * What the kernel does with a socket that its process left: bytes that nobody will read make
   * it a reset, which may overtake what was sent before; else it sends that, and the end. What
   * the other side writes from now on, the pipe answers with a reset.
   */
  #abandon(): void {
    const peer = this.#peer;
    const incoming = this.#incoming;
    if (peer === undefined || incoming === undefined) return;
    const isUnread = incoming.hasUnread || !this.#opened;
    this.#outgoing.drop();
    if (!isUnread) this.#outgoing.end();
    if (!isUnread && !incoming.hasUnderWay) return;
    this.side.out.transmit(0, peer.side.life, () => {
      peer.side.lose({ status: 'unavailable', message: 'connection reset by the other side' });
    });
  }

  #leaveWhenBothEnded(): void {
    if (this.#flushed && this.#endedThere) this.#close(undefined);
  }

  /** The handler hears of it in an event of its own: never in the middle of its own call. */
  #close(failure: Failure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.side.leave();
    this.#kernel.post(0, this.side.life, () => {
      this.#record('bytesClose', failure === undefined ? 0 : 1);
      const error = failure === undefined ? undefined : new StatusError(failure, this.#opened);
      this.#handler?.onClose(error);
    });
  }

  #record(kind: 'bytes' | 'bytesEnd' | 'bytesDrain' | 'bytesClose', value = 0): void {
    const { node, out } = this.side;
    this.#kernel.trace.record(kind, node.name, out.to.name, value);
  }
}
