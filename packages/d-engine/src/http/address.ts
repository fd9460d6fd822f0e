import type { Address } from '@d-engine/base';

/** The host of `host`, `host:port` or `[v6]:port`, in lower case; undefined when malformed. */
export function hostOf(hostAndPort: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@[\]]+))(?::\d{0,5})?$/i.exec(hostAndPort);
  const host = match?.[1] ?? match?.[2];
  // A name may end in the dot of the root zone.
  return host?.replace(/\.$/, '').toLowerCase();
}

/** Without the prefix of IPv4 addresses on IPv6 sockets. */
export function plainIp(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = plainIp(address);
  return plain === '::1' || plain.startsWith('127.');
}

/**
 * A member that listens on all interfaces has no address to give away: `0.0.0.0` and `::` become
 * the host by which the caller reached this node.
 */
export function reachableAddress(address: Address, callerHost: string): Address {
  const match = /^(?:0\.0\.0\.0|\[?::\]?):(\d+)$/.exec(address);
  if (match === null) return address;
  const host = callerHost.includes(':') ? `[${callerHost}]` : callerHost;
  return `${host}:${match[1]}`;
}
