import type { Failure } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life, ScheduledEvent } from '../life.ts';
import type { Fabric } from './fabric.ts';
import type { NetworkNode } from './network-node.ts';
import type { PortListener, Speech } from './port-listener.ts';
import type { Joint } from './side.ts';
import { Side } from './side.ts';

/** A connection as TCP has it: it carries calls and streams, and takes all of them down with it. */
export class Connection implements Joint {
  readonly client: Side;
  server: Side | undefined = undefined;
  readonly #kernel: Kernel;
  readonly #fabric: Fabric;
  readonly #source: NetworkNode;
  readonly #target: NetworkNode | undefined;
  readonly #port: number;
  readonly #speaks: Speech;
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
    speaks: Speech = 'messages',
  ) {
    this.#kernel = kernel;
    this.#fabric = fabric;
    this.#source = source;
    this.#target = target;
    this.#port = port;
    this.#speaks = speaks;
    const forward = fabric.link(source, target ?? source);
    const back = fabric.link(target ?? source, source);
    this.client = new Side(this, kernel, source, life, forward, back, undefined);
    kernel.trace.record('connect', source.name, target?.name ?? '?', port);
    this.#timeout = kernel.post(timeoutMs, life, () => this.#giveUp());
    // The kernel of the target answers, not its process: there may be none.
    forward.transmit(0, undefined, () => this.#knock());
  }

  get usable(): boolean {
    return this.#state !== 'closed' && this.client.open;
  }

  whenOpen(action: () => void): void {
    if (this.#state === 'open') action();
    else this.#waiting.push(action);
  }

  closed(): void {
    if (this.client.open) return;
    this.#state = 'closed';
    this.#waiting.length = 0;
    this.#kernel.cancel(this.#timeout);
  }

  breakDown(): void {
    const failure: Failure = { status: 'unavailable', message: 'connection reset' };
    for (const side of [this.client, this.server]) {
      if (side === undefined) continue;
      this.#kernel.post(side.into.drawLatencyMs(), side.life, () => side.lose(failure));
    }
  }

  #knock(): void {
    if (this.#state !== 'connecting') return;
    const target = this.#target;
    const listener = this.#fabric.listenerAt(target, this.#port, this.#source);
    if (target === undefined || listener?.speaks !== this.#speaks) this.#refuse();
    else this.#kernel.post(0, listener.life, () => this.#accept(target, listener));
  }

  #accept(target: NetworkNode, listener: PortListener): void {
    if (this.#state !== 'connecting') return;
    if (listener.closing) {
      this.#refuse();
      return;
    }
    const { client } = this;
    const life = listener.life;
    const server = new Side(this, this.#kernel, target, life, client.into, client.out, listener);
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
