import type { Failure, IncomingStream, Metadata, StreamHandler } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { PipeEnd, PipeItem } from './pipe.ts';
import { Pipe } from './pipe.ts';
import type { Attached, Side } from './side.ts';

export interface StreamRequest {
  readonly method: string;
  readonly metadata: Metadata;
  readonly localHost: string;
}

/** One end of a stream. The serving end has no handler until the service has seen it. */
export class StreamEnd implements IncomingStream, Attached, PipeEnd {
  readonly method: string;
  readonly metadata: Metadata;
  readonly localHost: string;
  readonly side: Side;
  readonly #kernel: Kernel;
  readonly #request: StreamRequest;
  readonly #outgoing: Pipe;
  #handler: StreamHandler | undefined;
  #peer: StreamEnd | undefined;
  #incoming: Pipe | undefined;
  #closed = false;
  #endedHere = false;
  #endedThere = false;
  #paused = false;

  constructor(
    kernel: Kernel,
    side: Side,
    request: StreamRequest,
    handler: StreamHandler | undefined,
  ) {
    this.#kernel = kernel;
    this.side = side;
    this.#request = request;
    this.method = request.method;
    this.metadata = request.metadata;
    this.localHost = request.localHost;
    this.#handler = handler;
    this.#outgoing = new Pipe(kernel, this);
    side.attach(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The calling end: makes its counterpart as soon as there is a connection to have it on. */
  begin(): void {
    this.#outgoing.push({ type: 'open' });
    this.side.connection.whenOpen(() => {
      const server = this.side.peer;
      if (this.#closed || server === undefined) return;
      const peer = new StreamEnd(this.#kernel, server, this.#request, undefined);
      this.#join(peer);
      peer.#join(this);
      this.#outgoing.flow(peer);
      peer.#outgoing.flow(this);
    });
  }

  send(message: Uint8Array): boolean {
    if (this.#closed || this.#endedHere || !this.side.life.alive) return false;
    return this.#outgoing.send(message);
  }

  end(): void {
    if (this.#closed || this.#endedHere || !this.side.life.alive) return;
    this.#endedHere = true;
    this.#outgoing.push({ type: 'end' });
    this.#finishWhenBothEnded();
  }

  reset(failure: Failure): void {
    if (this.#closed || !this.side.life.alive) return;
    this.#kernel.trace.record('streamReset', this.side.node.name, this.method);
    const peer = this.#peer;
    if (peer !== undefined) {
      // Like RST_STREAM: it may overtake what was sent before, which is then lost.
      this.side.out.transmit(0, peer.side.life, () => peer.#close(failure));
    }
    this.#close(failure);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused || !this.side.life.alive) return;
    this.#paused = false;
    this.#incoming?.flush();
  }

  lost(failure: Failure): void {
    this.#close(failure);
  }

  receive(item: PipeItem): void {
    switch (item.type) {
      case 'open':
        this.#offer();
        return;
      case 'message':
        this.#kernel.trace.record('streamMessage', this.side.node.name, this.method, item.hash);
        this.#handler?.onMessage(item.bytes);
        return;
      case 'end':
        this.#kernel.trace.record('streamEnd', this.side.node.name, this.method);
        this.#endedThere = true;
        if (!this.#closed) this.#handler?.onEnd?.();
        this.#finishWhenBothEnded();
    }
  }

  drained(): void {
    this.#kernel.trace.record('drain', this.side.node.name, this.method);
    this.#handler?.onDrain?.();
  }

  #join(peer: StreamEnd): void {
    this.#peer = peer;
    this.#incoming = peer.#outgoing;
  }

  #offer(): void {
    this.#kernel.trace.record('streamOpen', this.side.node.name, this.method);
    if (this.side.draining) {
      this.reset({ status: 'unavailable', message: 'the server closes' });
      return;
    }
    const answer = this.side.service.onStream(this);
    if (isFailure(answer)) this.reset(answer);
    else this.#handler = answer;
  }

  #finishWhenBothEnded(): void {
    if (this.#endedHere && this.#endedThere) this.#close(undefined);
  }

  /** The handler hears of it in an event of its own: never in the middle of its own call. */
  #close(failure: Failure | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.side.detach(this);
    this.#kernel.post(0, this.side.life, () => {
      this.#kernel.trace.record('streamClose', this.side.node.name, failure?.status ?? 'ok');
      this.#handler?.onClose(failure);
    });
  }
}

function isFailure(answer: StreamHandler | Failure): answer is Failure {
  return !('onMessage' in answer);
}
