import { type Address, DEngineError } from '@d-engine/base';

/** `host:port` of `host:port` or `http://host:port`. Throws `InvalidAddress` for anything else. */
export function parseEndpoint(endpoint: string): Address {
  const text = endpoint.trim().replace(/\/$/, '');
  if (/^https:/i.test(text)) {
    throw new DEngineError(
      'InvalidAddress',
      `${JSON.stringify(endpoint)}: TLS is not in this version; use http://host:port`,
    );
  }
  const address = parseAddress(text.replace(/^http:\/\//i, ''));
  if (address !== undefined) return address;
  throw new DEngineError(
    'InvalidAddress',
    `${JSON.stringify(endpoint)} is no address: use host:port or http://host:port`,
  );
}

/**
 * The address in a hint of the member at `from`, or undefined when it is none. A member that
 * listens on all interfaces is where the one that names it was reached.
 */
export function hintedAddress(hint: Address, from: Address): Address | undefined {
  const address = parseAddress(hint);
  const unspecified = address === undefined ? null : /^(?:0\.0\.0\.0|\[::\]):(\d+)$/.exec(address);
  if (unspecified === null) return address;
  return `${from.slice(0, from.lastIndexOf(':'))}:${unspecified[1]}`;
}

function parseAddress(text: string): Address | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]+):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[2]);
  return port >= 1 && port <= 65_535 ? `${match?.[1]?.toLowerCase()}:${port}` : undefined;
}
