import type { ClientApi } from '@d-engine/base';

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

/** How to reach a client that stands elsewhere. */
export interface ClientRoad {
  call(method: string, args: readonly unknown[]): Promise<unknown>;
  iterate(method: string, args: readonly unknown[]): AsyncIterable<unknown>;
}

/** The operations of the store, each of which goes that road. */
export function clientBy(road: ClientRoad): ClientApi {
  const methods = Object.entries(operations).map(([method, kind]) => {
    const ask = (...args: unknown[]): unknown => road[kind](method, args);
    return [method, ask] as const;
  });
  // The table above names every operation, and what stands behind it is another client.
  const client: unknown = Object.fromEntries(methods);
  return client as ClientApi;
}
