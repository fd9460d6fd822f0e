import type { Address } from '@d-engine/base';

const unspecifiedHosts = new Set(['0.0.0.0', '[::]', '::', '']);

/** `host:port` in its two parts; the host keeps its brackets. */
export function splitAddress(address: Address): { readonly host: string; readonly port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: address.slice(colon + 1) };
}

/** Nobody can dial 0.0.0.0: on one machine the loopback stands for it. */
export function dialAddress(address: Address): Address {
  const { host, port } = splitAddress(address);
  if (!unspecifiedHosts.has(host)) return address;
  return host.includes(':') ? `[::1]:${port}` : `127.0.0.1:${port}`;
}

/**
 * An address that the caller can use: one with an unspecified host gets the host by which the
 * caller reached this member.
 */
export function hintAddress(address: Address, callerHost: string | undefined): Address {
  const { host, port } = splitAddress(address);
  if (!unspecifiedHosts.has(host)) return address;
  return callerHost === undefined ? dialAddress(address) : `${callerHost}:${port}`;
}
