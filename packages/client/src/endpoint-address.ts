import { type Address, DEngineError } from '@d-engine/base';

export type Scheme = 'http' | 'https';

/**
 * `host:port` of `host:port` or `SCHEME://host:port`, where the scheme is that of the client.
 * Throws `InvalidAddress` for anything else.
 */
export function parseEndpoint(endpoint: string, scheme: Scheme): Address {
  const text = endpoint.trim().replace(/\/$/, '');
  const match = /^(https?):\/\/(.*)$/i.exec(text);
  const named = match?.[1]?.toLowerCase() ?? scheme;
  const address = parseAddress(match?.[2] ?? text);
  const shown = JSON.stringify(endpoint);
  if (address === undefined) {
    const usage = `use host:port or ${scheme}://host:port`;
    throw new DEngineError('InvalidAddress', `${shown} is no address: ${usage}`);
  }
  if (named === scheme) return address;
  const why =
    named === 'https' ? 'asks for TLS, and this client has no' : 'is plain, and there is a';
  throw new DEngineError('InvalidAddress', `${shown} ${why} tls option`);
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
