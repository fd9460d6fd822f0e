import type {
  Address,
  Channel,
  Clock,
  ErrorName,
  Failure,
  MessageStream,
  NodeId,
  Plane,
  Random,
  StreamHandler,
  Timer,
} from '@d-engine/base';
import { describeError, limits } from '@d-engine/base';
import type { Hello, HelloRefused, PeerFrame } from '@d-engine/wire';
import { decodePeerFrame, encodePeerFrame, methodOfPlane } from '@d-engine/wire';
import { BoundedSender } from './bounded-sender.ts';
import type { Refusal } from './hello-check.ts';
import { isSameRun } from './hello-check.ts';

export interface LinkPeer {
  readonly id: NodeId;
  readonly address: Address;
}

export interface RefusedLink {
  readonly name: ErrorName;
  readonly message: string;
  /** The peer refused this member; else this member refused the peer. */
  readonly byPeer: boolean;
}

/** What a link reports. Everything is called from the event loop, never from within `send`. */
export interface LinkObserver {
  ownHello(target: NodeId): Hello;
  check(peer: LinkPeer, hello: Hello): Refusal | undefined;
  record(hello: Hello): Promise<Refusal | undefined>;
  onUp(link: PeerLink, hello: Hello): void;
  onFrame(link: PeerLink, hello: Hello, frame: PeerFrame): void;
  /** The link was up and is not any more, or an attempt failed. */
  onDown(link: PeerLink, reason: string, wasUp: boolean, retryInMs: number): void;
  /** The peer refused this member, or this member refused the peer. */
  /** The peer is too far behind for one more message. */
  onDropped(): void;
  onRefused(link: PeerLink, refusal: RefusedLink): void;
}

/** News that must not be lost did not fit behind what waits already. */
const unreadReason = 'it does not read';
const backoffMinMs = 50;
const backoffMaxMs = 1_000;
/** After a refusal only an operator changes anything. */
const refusedBackoffMs = 2_000;

/**
 * The stream that this member opened to one peer for one plane: its requests go out here and
 * their answers come back. It opens itself anew for ever, with jittered back-off.
 */
export class PeerLink {
  readonly peer: LinkPeer;
  readonly plane: Plane;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #observer: LinkObserver;
  #stream: MessageStream | undefined;
  /** Of the stream. */
  #sender: BoundedSender | undefined;
  /** Of the stream that is up; undefined while the peer has not answered the hello. */
  #hello: Hello | undefined;
  /** Accepted, and not counted before it is on disk. */
  #recording: Hello | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #stopped = false;

  constructor(options: {
    peer: LinkPeer;
    plane: Plane;
    channel: Channel;
    clock: Clock;
    random: Random;
    observer: LinkObserver;
  }) {
    this.peer = options.peer;
    this.plane = options.plane;
    this.#channel = options.channel;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#observer = options.observer;
  }

  get isUp(): boolean {
    return this.#hello !== undefined;
  }

  start(): void {
    this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#current = undefined;
    this.#timer?.cancel();
    this.#stream?.reset({ status: 'cancelled', message: 'the member stops' });
    this.#stream = undefined;
    this.#sender = undefined;
    this.#hello = undefined;
    this.#channel.close();
  }

  /** False: the link is down, or the peer too far behind, and nothing was sent. */
  send(frame: PeerFrame): boolean {
    if (this.#sender === undefined || this.#hello === undefined) return false;
    return this.#sender.send(encodePeerFrame(this.plane, frame));
  }

  #open(): void {
    const handler: StreamHandler = {
      onMessage: (message) => this.#onMessage(handler, message),
      onDrain: () => {
        if (handler === this.#current) this.#sender?.drained();
      },
      onClose: (failure) => this.#onClose(handler, failure),
    };
    this.#current = handler;
    this.#stream = this.#channel.openStream(methodOfPlane(this.plane), handler);
    this.#sender = new BoundedSender(this.#stream, () => this.#observer.onDropped());
    this.#sender.send(encodePeerFrame(this.plane, this.#observer.ownHello(this.peer.id)));
    this.#timer = this.#clock.setTimer(limits.helloTimeoutMs, () => {
      const isRecording = this.#recording !== undefined;
      this.#lose(isRecording ? 'its start could not be noted in time' : 'no hello in time');
    });
  }

  /** Tells late callbacks of an older stream from those of the current one. */
  #current: StreamHandler | undefined;

  #onMessage(handler: StreamHandler, message: Uint8Array): void {
    if (handler !== this.#current) return;
    let frame: PeerFrame;
    try {
      frame = decodePeerFrame(this.plane, message);
    } catch (error) {
      this.#lose(`it sent an unreadable message: ${describeError(error)}`);
      return;
    }
    if (frame.type === 'hello') this.#onHello(frame);
    else if (this.#hello !== undefined) this.#observer.onFrame(this, this.#hello, frame);
    else if (frame.type === 'helloRefused') this.#onRefusedByPeer(frame);
    else this.#lose('it did not begin with a hello');
  }

  /** Says hello again: this member has become part of a cluster. */
  announce(): void {
    // The peer may have got the hello of before and not answered yet.
    const hello = encodePeerFrame(this.plane, this.#observer.ownHello(this.peer.id));
    if (this.#sender?.send(hello) === false) return this.#lose(unreadReason);
    if (this.#hello !== undefined) this.#onHello(this.#hello);
  }

  /** The first one opens the link; later ones bring news, such as the cluster's id. */
  #onHello(hello: Hello): void {
    const before = this.#hello ?? this.#recording;
    if (before !== undefined && !isSameRun(before, hello)) {
      this.#lose('the peer changed its identity in the middle of a stream');
      return;
    }
    const refusal = this.#observer.check(this.peer, hello);
    if (refusal !== undefined) return this.#refuse(refusal);
    if (this.#hello !== undefined) this.#hello = hello;
    else this.#recording = hello;
    if (before !== undefined) return;
    const handler = this.#current;
    this.#observer
      .record(hello)
      .then((notYet) => {
        if (handler === this.#current) this.#onRecorded(notYet);
      })
      .catch((error: unknown) => {
        if (handler === this.#current) this.#lose(describeError(error));
      });
  }

  #onRecorded(notYet: Refusal | undefined): void {
    const hello = this.#recording;
    if (hello === undefined) return;
    // Meanwhile it may have started again, or this member have become part of a cluster.
    const refusal = notYet ?? this.#observer.check(this.peer, hello);
    if (refusal !== undefined) return this.#refuse(refusal);
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#failures = 0;
    this.#recording = undefined;
    this.#hello = hello;
    this.#observer.onUp(this, hello);
  }

  #refuse({ name, message }: Refusal): void {
    this.#observer.onRefused(this, { name, message, byPeer: false });
    this.#lose('this member refused it', refusedBackoffMs);
  }

  #onRefusedByPeer(frame: HelloRefused): void {
    this.#observer.onRefused(this, { name: frame.name, message: frame.message, byPeer: true });
    this.#lose('it refused this member', refusedBackoffMs);
  }

  #onClose(handler: StreamHandler, failure: Failure | undefined): void {
    if (handler !== this.#current) return;
    this.#stream = undefined;
    this.#sender = undefined;
    this.#lose(failure?.message ?? 'the peer closed the stream');
  }

  #lose(reason: string, retryAfterMs?: number): void {
    if (this.#stopped) return;
    const wasUp = this.#hello !== undefined;
    this.#current = undefined;
    this.#hello = undefined;
    this.#recording = undefined;
    this.#stream?.reset({ status: 'cancelled', message: reason });
    this.#stream = undefined;
    this.#sender = undefined;
    this.#timer?.cancel();
    const backoffMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    const jitter = 0.5 + this.#random.float() / 2;
    const retryInMs = Math.round(retryAfterMs ?? backoffMs * jitter);
    this.#timer = this.#clock.setTimer(retryInMs, () => {
      this.#timer = undefined;
      this.#open();
    });
    this.#observer.onDown(this, reason, wasUp, retryInMs);
  }
}
