import type { ClientApi } from '@d-engine/base';
import type { BridgeCaller } from './bridge-caller.ts';

/**
 * How each operation answers: `call`, with a promise; `iterate`, with an asynchronous iteration.
 * An operation that is missing here does not compile.
 */
const operations: Readonly<Record<keyof ClientApi, 'call' | 'iterate'>> = {
  put: 'call',
  delete: 'call',
  compareAndSwap: 'call',
  txn: 'call',
  get: 'call',
  read: 'call',
  scan: 'call',
  grantLease: 'call',
  keepLeaseAlive: 'call',
  revokeLease: 'call',
  leaseTimeLeft: 'call',
  status: 'call',
  watch: 'iterate',
  watchMembership: 'iterate',
};

/** The store of a member on another thread. */
export function remoteClient(bridge: BridgeCaller): ClientApi {
  const methods = Object.entries(operations).map(([method, kind]) => {
    const ask = (...args: unknown[]): unknown => bridge[kind]({ target: 'client', method, args });
    return [method, ask] as const;
  });
  // The table above names every operation, and what stands behind it is the other end's client.
  const client: unknown = Object.fromEntries(methods);
  return client as ClientApi;
}
