import { isIP } from 'node:net';
import { DEngineError } from '@d-engine/base';
import { hostOf } from './address.ts';

/**
 * Refuses requests whose Host is none of ours. A page on the internet can point a name of its own
 * at 127.0.0.1 and would then be "same origin" with this node (DNS rebinding); what it cannot do
 * is make the browser send another Host than that name.
 */
export type HostRule = (host: string) => void;

/** `names`: of initial_cluster, advertise_address and `[http] allowed_hosts`; ports are ignored. */
export function createHostRule(names: readonly string[], ownName: string): HostRule {
  const allowed = new Set(['localhost', ownName.toLowerCase()]);
  for (const name of names) {
    const host = hostOf(name);
    if (host !== undefined) allowed.add(host);
  }
  return (hostHeader) => {
    const host = hostOf(hostHeader);
    if (host !== undefined && (isIP(host) !== 0 || allowed.has(host))) return;
    throw new DEngineError(
      'Forbidden',
      `host ${JSON.stringify(hostHeader)} is not served here: use an IP address, localhost or a ` +
        'host of the cluster, or add the name to allowed_hosts under [http] in the config',
    );
  };
}

/** Refuses what a browser sends for a page of another site. Other programs send none of these. */
export function refuseCrossSite(
  origin: string | undefined,
  fetchSite: string | undefined,
  hostHeader: string | undefined,
): void {
  if (fetchSite?.toLowerCase() === 'cross-site') {
    throw new DEngineError('Forbidden', 'cross-site requests are refused (Sec-Fetch-Site)');
  }
  if (origin === undefined || isSameOrigin(origin, hostHeader)) return;
  throw new DEngineError(
    'Forbidden',
    `requests from pages of ${JSON.stringify(origin)} are refused: only pages that this node ` +
      'serves itself may call it',
  );
}

function isSameOrigin(origin: string, hostHeader: string | undefined): boolean {
  if (hostHeader === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  const own = `${url.protocol}//${hostHeader}`;
  return URL.canParse(own) && new URL(own).host === url.host;
}
