import type { Client } from '@d-engine/client';
import { createClient } from '@d-engine/client';
import { type ClientTls, clientNetworkTls } from './client-tls.ts';
import { createClientEnv } from './env/index.ts';

export interface ConnectOptions {
  /** `host:port` or `http://host:port` of some members; the leader is found from there. */
  readonly endpoints: readonly string[];
  /** Encrypts the connections; endpoints may then say `https://`. */
  readonly tls?: ClientTls | undefined;
  /** Time for one operation, retries included; 3,000 ms when absent. */
  readonly deadlineMs?: number;
  /** A write whose answer was lost is sent again and applied once, on a session; off if absent. */
  readonly exactlyOnce?: boolean;
}

/** A client whose connections end with {@link ConnectedClient.close}. */
export interface ConnectedClient extends Omit<Client, 'close'> {
  /** Rejects what is under way and closes all connections. Idempotent. */
  close(): Promise<void>;
}

/**
 * A client of a running cluster, over gRPC. Opens no connection before the first operation.
 *
 *     const client = connect({ endpoints: ['127.0.0.1:9081', '127.0.0.1:9082'] });
 *     await client.put('greeting', 'hello');
 *     await client.close();
 */
export function connect(options: ConnectOptions): ConnectedClient {
  const { tls } = options;
  const scheme = tls === undefined ? 'http' : 'https';
  const env = createClientEnv({ tls: tls && clientNetworkTls(tls) });
  const client = createClient({ ...env, ...options, scheme });
  return {
    put: (key, value, request) => client.put(key, value, request),
    delete: (key, request) => client.delete(key, request),
    compareAndSwap: (key, expected, value, request) =>
      client.compareAndSwap(key, expected, value, request),
    txn: (transaction, request) => client.txn(transaction, request),
    get: (key, request) => client.get(key, request),
    read: (keys, request) => client.read(keys, request),
    scan: (range, request) => client.scan(range, request),
    grantLease: (ttlMs, request) => client.grantLease(ttlMs, request),
    keepLeaseAlive: (lease, request) => client.keepLeaseAlive(lease, request),
    revokeLease: (lease, request) => client.revokeLease(lease, request),
    leaseTimeLeft: (lease, request) => client.leaseTimeLeft(lease, request),
    status: (request) => client.status(request),
    snapshot: (request) => client.snapshot(request),
    changeMember: (action, nodeId, request) => client.changeMember(action, nodeId, request),
    watch: (target, watched) => client.watch(target, watched),
    watchMembership: (watched) => client.watchMembership(watched),
    async close() {
      client.close();
      await env.network.close();
    },
  };
}
