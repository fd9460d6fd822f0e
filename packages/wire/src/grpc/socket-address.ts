import type { Address } from '@d-engine/base';

/** `host:port`, an IPv6 host in brackets, the port in any number of digits that fits. */
export function isSocketAddress(address: Address): boolean {
  const match = /^(?:\[[0-9a-fA-F:.%]+\]|[^[\]:]+):(\d{1,5})$/.exec(address);
  return match !== null && Number(match[1]) <= 65_535;
}

/** The host of an `:authority` or `Host` header; an IPv6 one keeps its brackets. */
export function hostOfAuthority(authority: string | undefined): string | undefined {
  if (authority === undefined) return undefined;
  const match = /^(?:[^@]*@)?(\[[^\]]+\]|[^:]+)(?::\d+)?$/.exec(authority);
  return match?.[1];
}
