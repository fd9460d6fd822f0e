import type { Address, Channel, ChannelOptions, Listener, Network, Service } from '@d-engine/base';
import type { ChannelOrigin } from './channel.ts';
import { VirtualChannel } from './channel.ts';
import { VirtualListener } from './listener.ts';
import { claimPort } from './port-claim.ts';

/** The network as one life of a host sees it. */
export class VirtualNetwork implements Network {
  readonly #origin: ChannelOrigin;

  constructor(origin: ChannelOrigin) {
    this.#origin = origin;
  }

  listen(address: Address, service: Service): Promise<Listener> {
    const { kernel, node, life } = this.#origin;
    // What the executor throws rejects the promise.
    return new Promise((resolve) => {
      if (!life.alive) return;
      const claim = claimPort(node, address);
      const listener = new VirtualListener(kernel, node, life, service, claim);
      kernel.post(0, life, () => resolve(listener));
    });
  }

  connect(address: Address, options: ChannelOptions = {}): Channel {
    return new VirtualChannel(this.#origin, address, options);
  }

  /** Each message leaves by itself, when it is sent. */
  batch(work: () => void): void {
    work();
  }
}
