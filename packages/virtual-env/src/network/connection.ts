import type { Failure, Service } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { ScheduledEvent } from '../event-queue.ts';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { Fabric } from './fabric.ts';
import type { Link } from './link.ts';
import type { VirtualListener } from './listener.ts';
import type { NetworkNode } from './network-node.ts';

/** A call or stream that hangs on a side of a connection. */
export interface Attached {
  /** The connection is gone, as far as this side knows. */
  lost(failure: Failure): void;
}

/** One end of a connection. The two learn of each other's end only by what gets through. */
export class Side {
  readonly connection: Connection;
  readonly node: NetworkNode;
  readonly life: Life;
  readonly out: Link;
  readonly into: Link;
  readonly listener: VirtualListener | undefined;
  readonly #kernel: Kernel;
  readonly #attached: Set<Attached> = new Set();
  #open = true;
  #draining = false;

  constructor(
    connection: Connection,
    kernel: Kernel,
    life: Life,
    out: Link,
    into: Link,
    listener: VirtualListener | undefined,
  ) {
    this.connection = connection;
    this.node = out.from;
    this.life = life;
    this.out = out;
    this.into = into;
    this.listener = listener;
    this.#kernel = kernel;
    this.node.sides.add(this);
    // Born over a half-cut link: nobody else will notice that it stands still.
    for (const link of [out, into]) if (!link.open) this.expectSilence(link);
  }

  get open(): boolean {
    return this.#open;
  }

  /** Takes no new calls and streams. */
  get draining(): boolean {
    return this.#draining;
  }

  get service(): Service {
    assert(this.listener !== undefined, 'the calling side of a connection serves nothing');
    return this.listener.service;
  }

  get peer(): Side | undefined {
    const { client, server } = this.connection;
    return this === client ? server : client;
  }

  attach(item: Attached): void {
    this.#attached.add(item);
  }

  detach(item: Attached): void {
    this.#attached.delete(item);
    if (this.#draining) this.#endWhenIdle();
  }

  /** Finishes what is open, then goes. */
  drain(): void {
    this.#draining = true;
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (!this.#open || this.#attached.size > 0) return;
    // Behind the last answer: a good end loses nothing.
    this.fail(closedByServer, this.out.latencyMsMax);
  }

  /** Ends this side, and the other one when the news gets there. */
  fail(failure: Failure, extraMs = 0): void {
    if (!this.#open) return;
    this.lose(failure);
    const peer = this.peer;
    if (peer?.open !== true) return;
    this.out.transmit(0, peer.life, () => peer.lose(failure), extraMs);
  }

  /** Ends this side alone. */
  lose(failure: Failure): void {
    if (!this.#close()) return;
    this.#kernel.trace.record('lost', this.node.name, failure.message);
    const attached = [...this.#attached];
    this.#attached.clear();
    for (const item of attached) item.lost(failure);
  }

  /** The process is gone: nobody here hears of it, the other side after `silenceMs`. */
  die(failure: Failure, silenceMs: number): void {
    if (!this.#close()) return;
    this.#attached.clear();
    const peer = this.peer;
    if (peer?.open !== true) return;
    this.out.transmit(0, peer.life, () => peer.lose(failure), silenceMs);
    if (silenceMs > 0) this.node.orphans.push(peer);
  }

  /** The link closed: gives the connection up unless it opens again in time. */
  expectSilence(link: Link): void {
    const epoch = link.epoch;
    const delayMs = link.drawBetween(this.#kernel.options.network.resetAfterMs);
    this.#kernel.post(delayMs, this.life, () => {
      if (link.epoch === epoch && !link.open) this.fail(silent);
    });
  }

  #close(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    this.node.sides.delete(this);
    this.connection.closed();
    this.listener?.sideClosed(this);
    return true;
  }
}

const closedByServer: Failure = { status: 'unavailable', message: 'the server closed' };
const silent: Failure = { status: 'unavailable', message: 'the connection timed out' };

/** A connection as TCP has it: it carries calls and streams, and takes all of them down with it. */
export class Connection {
  readonly client: Side;
  server: Side | undefined = undefined;
  readonly #kernel: Kernel;
  readonly #fabric: Fabric;
  readonly #target: NetworkNode | undefined;
  readonly #port: number;
  readonly #waiting: (() => void)[] = [];
  readonly #timeout: ScheduledEvent;
  #state: 'connecting' | 'open' | 'closed' = 'connecting';

  constructor(
    kernel: Kernel,
    fabric: Fabric,
    source: NetworkNode,
    life: Life,
    target: NetworkNode | undefined,
    port: number,
    timeoutMs: number,
  ) {
    this.#kernel = kernel;
    this.#fabric = fabric;
    this.#target = target;
    this.#port = port;
    const forward = fabric.link(source, target ?? source);
    const back = fabric.link(target ?? source, source);
    this.client = new Side(this, kernel, life, forward, back, undefined);
    kernel.trace.record('connect', source.name, target?.name ?? '?', port);
    this.#timeout = kernel.post(timeoutMs, life, () => this.#giveUp());
    // The kernel of the target answers, not its process: there may be none.
    forward.transmit(0, undefined, () => this.#knock());
  }

  get usable(): boolean {
    return this.#state !== 'closed' && this.client.open;
  }

  /** Runs it now if the connection stands, else once it does; never if it never does. */
  whenOpen(action: () => void): void {
    if (this.#state === 'open') action();
    else this.#waiting.push(action);
  }

  /** One of the sides has ended. */
  closed(): void {
    if (this.client.open) return;
    this.#state = 'closed';
    this.#waiting.length = 0;
    this.#kernel.cancel(this.#timeout);
  }

  /** The network drops the connection: each side hears of it in its own time. */
  breakDown(): void {
    const failure: Failure = { status: 'unavailable', message: 'connection reset' };
    for (const side of [this.client, this.server]) {
      if (side === undefined) continue;
      this.#kernel.post(side.into.drawLatencyMs(), side.life, () => side.lose(failure));
    }
  }

  #knock(): void {
    if (this.#state !== 'connecting') return;
    const listener = this.#fabric.listenerAt(this.#target, this.#port, this.client.node);
    if (listener === undefined) this.#refuse();
    else this.#kernel.post(0, listener.life, () => this.#accept(listener));
  }

  #accept(listener: VirtualListener): void {
    if (this.#state !== 'connecting') return;
    if (listener.closing) {
      this.#refuse();
      return;
    }
    const { client } = this;
    const life = listener.life;
    const server = new Side(this, this.#kernel, life, client.into, client.out, listener);
    this.server = server;
    listener.sideOpened(server);
    client.into.transmit(0, client.life, () => this.#opened(server));
  }

  #opened(server: Side): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#kernel.cancel(this.#timeout);
    this.#kernel.trace.record('connected', this.client.node.name, server.node.name, this.#port);
    for (const action of this.#waiting.splice(0)) action();
  }

  #refuse(): void {
    const { client } = this;
    const where = `${this.#target?.name ?? 'that host'}:${this.#port}`;
    const failure: Failure = { status: 'unavailable', message: `${where} refused the connection` };
    client.into.transmit(0, client.life, () => {
      if (this.#state !== 'connecting') return;
      this.#kernel.trace.record('refused', client.node.name, this.#target?.name ?? '?');
      client.lose(failure);
    });
  }

  #giveUp(): void {
    if (this.#state !== 'connecting') return;
    this.client.fail({ status: 'unavailable', message: 'no connection in time' });
  }
}
