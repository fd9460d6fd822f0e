import type { Address, ByteListener, ByteStream, ByteStreamHandler } from '@d-engine/base';
import type { Kernel } from '../kernel.ts';
import type { Life } from '../life.ts';
import { byteStreamOf, VirtualByteStream } from './byte-stream.ts';
import type { NetworkNode } from './network-node.ts';
import type { PortClaim } from './port-claim.ts';
import type { PortListener } from './port-listener.ts';
import type { Side } from './side.ts';

/** A port on which a life of a host takes connections that carry bytes. */
export class VirtualByteListener implements ByteListener, PortListener {
  readonly speaks = 'bytes';
  readonly service = undefined;
  readonly address: Address;
  readonly life: Life;
  readonly loopbackOnly: boolean;
  readonly #port: number;
  readonly #kernel: Kernel;
  readonly #node: NetworkNode;
  readonly #onConnection: (stream: ByteStream) => ByteStreamHandler;
  #closed: Promise<void> | undefined;

  constructor(
    kernel: Kernel,
    node: NetworkNode,
    life: Life,
    claim: PortClaim,
    onConnection: (stream: ByteStream) => ByteStreamHandler,
  ) {
    this.address = claim.address;
    this.life = life;
    this.loopbackOnly = claim.loopbackOnly;
    this.#port = claim.port;
    this.#kernel = kernel;
    this.#node = node;
    this.#onConnection = onConnection;
    node.listeners.set(claim.port, this);
    kernel.trace.record('listen', node.name, claim.address);
  }

  get closing(): boolean {
    return this.#closed !== undefined;
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (!this.life.alive) return;
      this.#kernel.trace.record('unlisten', this.#node.name, this.address);
      if (this.#node.listeners.get(this.#port) === this) this.#node.listeners.delete(this.#port);
      this.#kernel.post(0, this.life, () => resolve());
    });
    return this.#closed;
  }

  sideOpened(side: Side): void {
    const client = byteStreamOf(side.connection.client);
    const stream = new VirtualByteStream(this.#kernel, side, client.peerHost, client.localHost);
    stream.accept(client, this.#onConnection);
  }

  sideClosed(): void {
    // Nothing here counts connections: those that are open outlast their listener.
  }
}
