import type { Failure, Service } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { Link } from './link.ts';

/** A call or stream that hangs on a side of a connection. */
export interface Attached {
  /** The connection is gone, as far as this side knows. */
  lost(failure: Failure): void;
  /**
   * The process is gone and its machine is not. True if what the process handed to the kernel
   * goes on to the other side, which is then not told otherwise.
   */
  leaveToKernel?(): boolean;
}

/** What a side needs of the connection that it is an end of. */
export interface Joint {
  readonly client: Side;
  readonly server: Side | undefined;
  /** Runs it now if the connection stands, else once it does; never if it never does. */
  whenOpen(action: () => void): void;
  /** The network drops the connection: each side hears of it in its own time. */
  breakDown(): void;
  /** One of the sides has ended. */
  closed(): void;
}

/** ... of its host. */
export interface SideHost {
  readonly name: string;
  readonly sides: Set<Side>;
  readonly orphans: Side[];
}

/** ... and of the listener that took the connection. */
export interface SideListener {
  /** Undefined if it takes bytes. */
  readonly service: Service | undefined;
  sideClosed(side: Side): void;
}

/** One end of a connection. The two learn of each other's end only by what gets through. */
export class Side {
  readonly connection: Joint;
  readonly node: SideHost;
  readonly life: Life;
  readonly out: Link;
  readonly into: Link;
  readonly listener: SideListener | undefined;
  readonly #kernel: Kernel;
  readonly #attached: Set<Attached> = new Set();
  #open = true;
  #draining = false;

  constructor(
    connection: Joint,
    kernel: Kernel,
    node: SideHost,
    life: Life,
    out: Link,
    into: Link,
    listener: SideListener | undefined,
  ) {
    this.connection = connection;
    this.node = node;
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
    const service = this.listener?.service;
    assert(service !== undefined, 'the calling side of a connection serves nothing');
    return service;
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

  /** Ends this side alone, and tells nobody: both know. */
  leave(): void {
    this.#close();
    this.#attached.clear();
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
    const attached = [...this.#attached];
    this.#attached.clear();
    const peer = this.peer;
    if (peer?.open !== true) return;
    if (silenceMs === 0 && attached.some((item) => item.leaveToKernel?.() === true)) return;
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
