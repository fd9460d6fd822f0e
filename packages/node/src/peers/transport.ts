import type {
  Address,
  CallerCertificate,
  Counter,
  Env,
  Failure,
  IncomingStream,
  Logger,
  Metrics,
  NodeId,
  Plane,
  StreamHandler,
} from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { Outgoing, RaftMessage, Sender } from '@d-engine/raft';
import { isResponse } from '@d-engine/raft';
import type {
  DivergenceFrame,
  ForwardWrite,
  ForwardWriteResult,
  Hello,
  PeerFrame,
  SnapshotFrame,
} from '@d-engine/wire';
import { planeOf } from '@d-engine/wire';
import type { Refusal } from './hello-check.ts';
import { PeerConnectionLog } from './peer-connection-log.ts';
import type { LinkObserver, LinkPeer, RefusedLink } from './peer-link.ts';
import { PeerLink } from './peer-link.ts';
import type { SessionObserver } from './peer-session.ts';
import { PeerSession } from './peer-session.ts';

export type ForwardFrame = ForwardWrite | ForwardWriteResult;

/** What the transport needs to know of the member, and what it tells it. */
export interface TransportObserver {
  ownHello(): Hello;
  /** `expectedNodeId`: of a peer that was dialled; `certificate`: of one that called. */
  check(
    hello: Hello,
    expectedNodeId: NodeId | undefined,
    certificate?: CallerCertificate,
  ): Refusal | undefined;
  /**
   * Makes the start of a peer that was accepted durable, before anything of it counts. Resolves
   * with the reason why it must not be spoken with yet, if there is one.
   */
  record(hello: Hello): Promise<Refusal | undefined>;
  onRaftMessage(sender: Sender, message: RaftMessage): void;
  onForwardFrame(from: NodeId, frame: ForwardFrame, reply: (answer: PeerFrame) => void): void;
  /** `reply`: on the stream that brought the frame. */
  onSnapshotFrame(sender: Sender, frame: SnapshotFrame, reply: (answer: PeerFrame) => void): void;
  onDivergenceFrame(sender: Sender, frame: DivergenceFrame): void;
  onLinkUp(peer: Sender, plane: Plane): void;
  onLinkDown(peer: NodeId, plane: Plane): void;
  onRefused(peer: NodeId, refusal: RefusedLink): void;
}

/** Planes that are open all the time. Bulk is open while a snapshot travels. */
const standingPlanes: readonly Plane[] = ['control', 'data'];

/**
 * All streams to and from the peers: one link a peer and plane for this member's requests, and the
 * sessions that peers opened for theirs. An answer goes back on the session of the same plane.
 */
export class Transport {
  readonly #env: Env;
  readonly #observer: TransportObserver;
  readonly #log: PeerConnectionLog;
  readonly #dropped: Counter;
  readonly #links = new Map<string, PeerLink>();
  readonly #sessions = new Map<string, PeerSession>();
  /** Accepted streams, introduced or not. Bounded: a stranger cannot pile them up. */
  readonly #accepted = new Set<PeerSession>();
  #stopped = false;

  constructor(options: {
    env: Env;
    logger: Logger;
    metrics: Metrics;
    observer: TransportObserver;
  }) {
    this.#env = options.env;
    this.#observer = options.observer;
    this.#log = new PeerConnectionLog(options.env.clock, options.logger);
    this.#dropped = options.metrics.counter(
      'd_engine_peer_messages_dropped_total',
      'Messages to peers that read too slowly to be sent more',
    );
  }

  /** Opens links to these peers and closes those to others. */
  setPeers(peers: readonly LinkPeer[]): void {
    // What was still being recorded at the stop comes back here; a link would never end again.
    if (this.#stopped) return;
    const wanted = new Set<string>();
    for (const peer of peers) {
      for (const plane of standingPlanes) {
        const key = keyOf(peer.id, plane);
        wanted.add(key);
        const existing = this.#links.get(key);
        if (existing?.peer.address === peer.address) continue;
        if (existing !== undefined) this.#closeLink(existing);
        this.#openLink(key, peer, plane);
      }
      const bulk = keyOf(peer.id, 'bulk');
      if (this.#links.get(bulk)?.peer.address === peer.address) wanted.add(bulk);
    }
    for (const [key, link] of this.#links) {
      if (wanted.has(key)) continue;
      this.#closeLink(link);
      this.#links.delete(key);
    }
  }

  /** Whatever waits for an answer on it must hear that none will come. */
  #closeLink(link: PeerLink): void {
    const wasUp = link.isUp;
    link.stop();
    if (wasUp) this.#observer.onLinkDown(link.peer.id, link.plane);
  }

  #openLink(key: string, peer: LinkPeer, plane: Plane): void {
    const link = new PeerLink({
      peer,
      plane,
      channel: this.#env.network.connect(peer.address, { plane }),
      clock: this.#env.clock,
      random: this.#env.random,
      observer: this.#linkObserver,
    });
    this.#links.set(key, link);
    link.start();
  }

  stop(): void {
    this.#stopped = true;
    for (const link of this.#links.values()) link.stop();
    this.#links.clear();
    for (const session of [...this.#accepted]) session.close('the member stops');
  }

  /** This member's hello says something new: tells it on all streams, and looks at them again. */
  announce(): void {
    for (const link of [...this.#links.values()]) link.announce();
    for (const session of [...this.#sessions.values()]) session.announce();
  }

  /** Messages to a peer that is not connected are dropped: Raft repeats what matters. */
  send(messages: readonly Outgoing[]): void {
    for (const { to, message } of messages) {
      const key = keyOf(to, planeOf(message.type));
      if (isResponse(message)) this.#sessions.get(key)?.send(message);
      else this.#links.get(key)?.send(message);
    }
  }

  /** False when the Data link to the peer is down: nothing has left. */
  sendForward(to: NodeId, frame: PeerFrame): boolean {
    return this.#links.get(keyOf(to, 'data'))?.send(frame) ?? false;
  }

  /** Lost when the link is down: the next verify entry says it anew. */
  sendDivergence(to: NodeId, frame: DivergenceFrame): void {
    this.#links.get(keyOf(to, 'control'))?.send(frame);
  }

  /** Opens a link for a snapshot, or begins a new stream on it. */
  openBulk(to: NodeId): void {
    const known = this.#links.get(keyOf(to, 'data'));
    if (known === undefined) return;
    this.closeBulk(to);
    this.#openLink(keyOf(to, 'bulk'), known.peer, 'bulk');
  }

  closeBulk(to: NodeId): void {
    const key = keyOf(to, 'bulk');
    this.#links.get(key)?.stop();
    this.#links.delete(key);
  }

  /** False: the link is down, and nothing was sent. */
  sendBulk(to: NodeId, frame: SnapshotFrame): boolean {
    return this.#links.get(keyOf(to, 'bulk'))?.send(frame) ?? false;
  }

  /** Of a peer that has links. */
  addressOf(peer: NodeId): Address | undefined {
    return this.#links.get(keyOf(peer, 'data'))?.peer.address;
  }

  isConnected(peer: NodeId): boolean {
    return standingPlanes.every((plane) => this.#links.get(keyOf(peer, plane))?.isUp === true);
  }

  /** A peer, or somebody who says so, opened a stream. */
  accept(stream: IncomingStream, plane: Plane): StreamHandler | Failure {
    if (this.#stopped) return { status: 'unavailable', message: 'the member stops' };
    this.#makeRoom();
    const session = new PeerSession(stream, plane, this.#env.clock, this.#sessionObserver);
    this.#accepted.add(session);
    return session;
  }

  /** Whoever has not said hello yet gives way to the newest: members are never locked out. */
  #makeRoom(): void {
    const strangers = [...this.#accepted].filter((session) => session.peerId === undefined);
    if (strangers.length >= strangersMax) strangers[0]?.close('too many streams without a hello');
  }

  readonly #linkObserver: LinkObserver = {
    ownHello: (target) => ({ ...this.#observer.ownHello(), targetNodeId: target }),
    check: (peer, hello) => this.#observer.check(hello, peer.id),
    record: (hello) => this.#observer.record(hello),
    onUp: (link, hello) => {
      this.#log.up(link.peer, link.plane);
      this.#observer.onLinkUp(senderOf(hello), link.plane);
    },
    onFrame: (link, hello, frame) => this.#onFrame(hello, frame, (answer) => link.send(answer)),
    onDown: (link, reason, wasUp, retryInMs) => {
      this.#log.down(link.peer, link.plane, reason, wasUp, retryInMs);
      if (wasUp) this.#observer.onLinkDown(link.peer.id, link.plane);
    },
    onDropped: () => this.#dropped.add(),
    onRefused: (link, refusal) => this.#observer.onRefused(link.peer.id, refusal),
  };

  readonly #sessionObserver: SessionObserver = {
    ownHello: () => this.#observer.ownHello(),
    check: (hello, certificate) => this.#observer.check(hello, undefined, certificate),
    record: (hello) => this.#observer.record(hello),
    onUp: (session, hello) => {
      const key = keyOf(hello.nodeId, session.plane);
      const older = this.#sessions.get(key);
      this.#sessions.set(key, session);
      older?.close('a newer stream of this peer took over');
    },
    onFrame: (session, hello, frame) => {
      this.#onFrame(hello, frame, (answer) => session.send(answer));
    },
    onDropped: () => this.#dropped.add(),
    onRefused: (hello, refusal) => {
      this.#observer.onRefused(hello.nodeId, {
        name: refusal.name,
        message: refusal.message,
        byPeer: false,
      });
    },
    onDown: (session) => {
      this.#accepted.delete(session);
      if (session.peerId === undefined) return;
      const key = keyOf(session.peerId, session.plane);
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    },
  };

  #onFrame(hello: Hello, frame: PeerFrame, reply: (answer: PeerFrame) => void): void {
    if (this.#stopped) return;
    switch (frame.type) {
      case 'hello':
      case 'helloRefused':
        // Links and sessions keep these for themselves.
        return;
      case 'forwardWrite':
      case 'forwardWriteResult':
        this.#observer.onForwardFrame(hello.nodeId, frame, reply);
        return;
      case 'snapshotOffer':
      case 'snapshotChunk':
      case 'snapshotAnswer':
        this.#observer.onSnapshotFrame(senderOf(hello), frame, reply);
        return;
      case 'stateDigest':
      case 'stateVerdict':
        this.#observer.onDivergenceFrame(senderOf(hello), frame);
        return;
      default:
        this.#observer.onRaftMessage(senderOf(hello), frame);
    }
  }
}

/** Every member may open all planes anew at once; introduced streams are one a member and plane. */
const strangersMax = limits.membersMax * 3;

function senderOf({ nodeId, instanceId, bootCount }: Hello): Sender {
  return { nodeId, instanceId, bootCount };
}

function keyOf(peer: NodeId, plane: Plane): string {
  return `${peer}/${plane}`;
}
