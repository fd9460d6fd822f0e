import type {
  CallerCertificate,
  Clock,
  Failure,
  IncomingStream,
  NodeId,
  Plane,
  StreamHandler,
  Timer,
} from '@d-engine/base';
import { describeError, limits } from '@d-engine/base';
import type { Hello, PeerFrame } from '@d-engine/wire';
import { decodePeerFrame, encodePeerFrame } from '@d-engine/wire';
import { BoundedSender } from './bounded-sender.ts';
import type { Refusal } from './hello-check.ts';
import { isSameRun } from './hello-check.ts';

export interface SessionObserver {
  ownHello(): Hello;
  check(hello: Hello, certificate: CallerCertificate | undefined): Refusal | undefined;
  record(hello: Hello): Promise<Refusal | undefined>;
  onUp(session: PeerSession, hello: Hello): void;
  onFrame(session: PeerSession, hello: Hello, frame: PeerFrame): void;
  onRefused(hello: Hello, refusal: Refusal): void;
  /** The peer is too far behind for one more message. */
  onDropped(): void;
  onDown(session: PeerSession): void;
}

/**
 * A stream that a peer opened to this member: the peer's requests come in here and this member's
 * answers go back on it.
 */
export class PeerSession implements StreamHandler {
  readonly plane: Plane;
  readonly #stream: IncomingStream;
  readonly #sender: BoundedSender;
  readonly #observer: SessionObserver;
  readonly #helloTimer: Timer;
  #hello: Hello | undefined;
  /** Accepted, and not counted before it is on disk. */
  #recording: Hello | undefined;
  #closed = false;
  /**
   * Forwards are numbered upwards by their sender. One that comes again, or late, is dropped: its
   * write must not be proposed twice, and its sender counts a missing answer as unknown.
   */
  #lastForwardId = 0;

  constructor(stream: IncomingStream, plane: Plane, clock: Clock, observer: SessionObserver) {
    this.plane = plane;
    this.#stream = stream;
    this.#sender = new BoundedSender(stream, () => observer.onDropped());
    this.#observer = observer;
    this.#helloTimer = clock.setTimer(limits.helloTimeoutMs, () => {
      this.close('no hello in time');
    });
  }

  /** Known once the peer has introduced itself. */
  get peerId(): NodeId | undefined {
    return this.#hello?.nodeId;
  }

  /** False: the session is over, or the peer too far behind, and nothing was sent. */
  send(frame: PeerFrame): boolean {
    return !this.#closed && this.#sender.send(encodePeerFrame(this.plane, frame));
  }

  onDrain(): void {
    this.#sender.drained();
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#stream.reset({ status: 'unavailable', message: reason });
    this.onClose();
  }

  onMessage(message: Uint8Array): void {
    if (this.#closed) return;
    let frame: PeerFrame;
    try {
      frame = decodePeerFrame(this.plane, message);
    } catch (error) {
      this.close(`unreadable peer message: ${describeError(error)}`);
      return;
    }
    if (frame.type === 'hello') this.#onHello(frame);
    else if (this.#hello !== undefined) this.#onFrame(this.#hello, frame);
    else this.close('a peer stream begins with a hello');
  }

  #onFrame(hello: Hello, frame: PeerFrame): void {
    if (frame.type === 'forwardWrite') {
      if (frame.forwardId <= this.#lastForwardId) return;
      this.#lastForwardId = frame.forwardId;
    }
    this.#observer.onFrame(this, hello, frame);
  }

  /** Says hello again: this member has become part of a cluster. */
  announce(): void {
    if (this.#hello === undefined) return;
    if (!this.send(this.#observer.ownHello())) return this.close('it does not read');
    this.#onHello(this.#hello);
  }

  /** The first one opens the session; later ones bring news, such as the cluster's id. */
  #onHello(hello: Hello): void {
    this.#helloTimer.cancel();
    // Acknowledgements count for the instance of the stream's hello: it cannot become another.
    const before = this.#hello ?? this.#recording;
    if (before !== undefined && !isSameRun(before, hello)) {
      this.close('the peer changed its identity in the middle of a stream');
      return;
    }
    const refusal = this.#check(hello);
    if (refusal !== undefined) return this.#refuse(hello, refusal);
    if (this.#hello !== undefined) this.#hello = hello;
    else this.#recording = hello;
    if (before !== undefined) return;
    this.#observer
      .record(hello)
      .then((notYet) => this.#onRecorded(notYet))
      .catch((error: unknown) => this.close(describeError(error)));
  }

  #check(hello: Hello): Refusal | undefined {
    return this.#observer.check(hello, this.#stream.certificate);
  }

  #onRecorded(notYet: Refusal | undefined): void {
    const hello = this.#recording;
    if (this.#closed || hello === undefined) return;
    // Meanwhile it may have started again, or this member have become part of a cluster.
    const refusal = notYet ?? this.#check(hello);
    if (refusal !== undefined) return this.#refuse(hello, refusal);
    this.#recording = undefined;
    this.#hello = hello;
    this.send(this.#observer.ownHello());
    this.#observer.onUp(this, hello);
  }

  #refuse(hello: Hello, refusal: Refusal): void {
    this.#observer.onRefused(hello, refusal);
    const { name, message } = refusal;
    this.send({ type: 'helloRefused', name, message });
    this.#stream.end();
    this.onClose();
  }

  onClose(_failure?: Failure): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#helloTimer.cancel();
    this.#observer.onDown(this);
  }
}
