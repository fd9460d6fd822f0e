import type { Address } from '@d-engine/base';
import { assert } from '@d-engine/base';

export interface HostAndPort {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

export function parseAddress(address: Address): HostAndPort {
  const colon = address.lastIndexOf(':');
  assert(colon >= 0, () => `${address} is no host:port`);
  const port = Number(address.slice(colon + 1));
  assert(Number.isInteger(port) && port >= 0 && port <= 65_535, () => `${address} has no port`);
  const host = address.slice(0, colon);
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port };
}

export function withPort(address: Address, port: number): Address {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}
