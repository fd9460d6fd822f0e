import type { Address, Channel, ChannelOptions, Listener, Network, Service } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { isLoopback, isWildcard, parseAddress, withPort } from './address.ts';
import type { ChannelOrigin } from './channel.ts';
import { VirtualChannel } from './channel.ts';
import { VirtualListener } from './listener.ts';

/** The network as one life of a host sees it. */
export class VirtualNetwork implements Network {
  readonly #origin: ChannelOrigin;

  constructor(origin: ChannelOrigin) {
    this.#origin = origin;
  }

  listen(address: Address, service: Service): Promise<Listener> {
    const { kernel, node, life } = this.#origin;
    const { host, port: wanted } = parseAddress(address);
    return new Promise((resolve, reject) => {
      if (!life.alive) return;
      const loopbackOnly = isLoopback(host);
      if (!loopbackOnly && !isWildcard(host) && !node.names.includes(host)) {
        reject(unavailable(`${host} is no address of ${node.name}`));
        return;
      }
      if (node.listeners.has(wanted)) {
        reject(unavailable(`port ${wanted} of ${node.name} is taken`));
        return;
      }
      const port = wanted === 0 ? node.freePort() : wanted;
      const real = withPort(address, port);
      const listener = new VirtualListener(kernel, node, life, service, real, port, loopbackOnly);
      kernel.post(0, life, () => resolve(listener));
    });
  }

  connect(address: Address, options: ChannelOptions = {}): Channel {
    return new VirtualChannel(this.#origin, address, options);
  }
}

function unavailable(message: string): StatusError {
  return new StatusError({ status: 'unavailable', message }, false);
}
