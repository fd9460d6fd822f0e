import type { Address } from '@d-engine/base';

export interface SocketAddress {
  /** Without brackets, as sockets want it. */
  readonly host: string;
  readonly port: number;
}

/** Undefined unless it is `host:port`, an IPv6 host in brackets. */
export function parseSocketAddress(address: Address): SocketAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function formatSocketAddress(host: string, port: number): Address {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Nobody can dial "every interface": on this machine the loopback stands for it. */
export function dialHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
