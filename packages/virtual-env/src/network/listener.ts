import type { Address, Failure, Listener, Service } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import type { PortClaim } from './port-claim.ts';
import type { PortListener } from './port-listener.ts';
import type { Side } from './side.ts';

const closing: Failure = { status: 'unavailable', message: 'the server closed' };

/** What a listener needs of its host. */
export interface ListenerHost {
  readonly name: string;
  readonly listeners: Map<number, PortListener>;
}

/** A port that a life of a host serves. */
export class VirtualListener implements Listener, PortListener {
  readonly speaks = 'messages';
  readonly address: Address;
  readonly port: number;
  readonly life: Life;
  readonly service: Service;
  readonly loopbackOnly: boolean;
  readonly #kernel: Kernel;
  readonly #node: ListenerHost;
  readonly #sides: Set<Side> = new Set();
  #closed: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(kernel: Kernel, node: ListenerHost, life: Life, service: Service, claim: PortClaim) {
    this.#kernel = kernel;
    this.#node = node;
    this.life = life;
    this.service = service;
    this.address = claim.address;
    this.port = claim.port;
    this.loopbackOnly = claim.loopbackOnly;
    node.listeners.set(claim.port, this);
    kernel.trace.record('listen', node.name, claim.address);
  }

  get closing(): boolean {
    return this.#closed !== undefined;
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  sideOpened(side: Side): void {
    this.#sides.add(side);
  }

  sideClosed(side: Side): void {
    this.#sides.delete(side);
    if (this.#sides.size === 0) this.#onIdle?.();
  }

  #close(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (!this.life.alive) return;
      this.#kernel.trace.record('unlisten', this.#node.name, this.address, graceMs);
      if (this.#node.listeners.get(this.port) === this) this.#node.listeners.delete(this.port);
      const timer = this.#kernel.post(graceMs, this.life, () => {
        for (const side of this.#sides) side.fail(closing);
      });
      this.#onIdle = (): void => {
        this.#onIdle = undefined;
        this.#kernel.cancel(timer);
        this.#kernel.post(0, this.life, () => resolve());
      };
      for (const side of this.#sides) side.drain();
      if (this.#sides.size === 0) this.#onIdle?.();
    });
  }
}
