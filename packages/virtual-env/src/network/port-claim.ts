import type { Address } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { isLoopback, isWildcard, parseAddress, withPort } from './address.ts';
import type { NetworkNode } from './network-node.ts';

/** A port that is free to listen on. */
export interface PortClaim {
  readonly port: number;
  /** With the real port. */
  readonly address: Address;
  readonly loopbackOnly: boolean;
}

/** Throws a {@link StatusError} if the address is not the host's, or the port taken. */
export function claimPort(node: NetworkNode, address: Address): PortClaim {
  const { host, port: wanted } = parseAddress(address);
  const loopbackOnly = isLoopback(host);
  if (!loopbackOnly && !isWildcard(host) && !node.names.includes(host)) {
    throw unavailable(`${host} is no address of ${node.name}`);
  }
  if (node.listeners.has(wanted)) throw unavailable(`port ${wanted} of ${node.name} is taken`);
  const port = wanted === 0 ? node.freePort() : wanted;
  return { port, address: withPort(address, port), loopbackOnly };
}

function unavailable(message: string): StatusError {
  return new StatusError({ status: 'unavailable', message }, false);
}
