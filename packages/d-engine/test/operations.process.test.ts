import { join } from 'node:path';
import type { RunningEngine } from 'd-engine';
import { StandaloneEngine } from 'd-engine';
import { connect } from 'd-engine/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalCluster } from '../../../tools/cluster/local-cluster.ts';
import { repositoryRoot } from './support/cluster-kit.ts';
import { httpClient, type StoreOperations } from './support/http-client.ts';

// One behaviour, whatever the road in and whichever member is asked.

let cluster: LocalCluster;
let leader: RunningEngine;
let follower: RunningEngine;
const abort = new AbortController();
const endings: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  cluster = await LocalCluster.create({
    root: repositoryRoot,
    extraConfig: '[raft.read_consistency]\nallow_client_override = true',
  });
  const engines = await Promise.all(cluster.ids.map(startHere));
  while (!engines.some((engine) => isLeader(engine))) await pause(50);
  leader = engines.find((engine) => isLeader(engine)) as RunningEngine;
  follower = engines.find((engine) => !isLeader(engine)) as RunningEngine;
  await follower.client.put('ready', '1', { deadlineMs: 10_000 });
}, 40_000);
afterAll(async () => {
  abort.abort();
  for (const end of endings) await end();
  await cluster.dispose();
});

const isLeader = (engine: RunningEngine): boolean => engine.status().role === 'leader';

function startHere(id: number): Promise<RunningEngine> {
  const folder = cluster.directory;
  const environment = {
    RAFT__CLUSTER__DB_ROOT_DIR: join(folder, `db/${id}`),
    LOG_DIR: join(folder, `logs/${id}`),
    METRICS_PORT: '0',
  };
  return new Promise((resolve, reject) => {
    const configPath = join(folder, `config/n${id}.toml`);
    const options = { signal: abort.signal, environment, onListening: resolve };
    const finished = StandaloneEngine.run({ configPath }, options);
    finished.catch(reject);
    endings.push(() => finished);
  });
}

const roads = {
  embedded: (engine: RunningEngine): StoreOperations => engine.client,
  HTTP: (engine: RunningEngine): StoreOperations => httpClient(engine.address),
  'the TypeScript client over gRPC': (engine: RunningEngine): StoreOperations => {
    const client = connect({ endpoints: [engine.address] });
    endings.push(() => client.close());
    return client;
  },
  'the TypeScript client with a session': (engine: RunningEngine): StoreOperations => {
    const client = connect({ endpoints: [engine.address], exactlyOnce: true });
    endings.push(() => client.close());
    return client;
  },
};

const text = (bytes: Uint8Array | null | undefined): string | undefined =>
  bytes === null || bytes === undefined ? undefined : Buffer.from(bytes).toString();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.each(Object.keys(roads) as (keyof typeof roads)[])('%s', (road) => {
  describe.each(['leader', 'follower'] as const)('on the %s', (place) => {
    const prefix = `${road}/${place}`;
    let store: StoreOperations;
    beforeAll(() => {
      store = roads[road](place === 'leader' ? leader : follower);
    });

    test('puts, gets, deletes and swaps', async () => {
      const key = `${prefix}/plain`;
      const first = await store.put(key, '1');
      const second = await store.put(key, '2');
      expect(second.revision).toBeGreaterThan(first.revision);
      const found = await store.get(key);
      expect(text(found?.value)).toBe('2');
      expect(found).toMatchObject({
        createRevision: first.revision,
        modRevision: second.revision,
        version: 2,
      });
      expect(found?.ttlLeftMs).toBeUndefined();
      const failed = await store.compareAndSwap(key, '1', '3');
      expect([failed.succeeded, text(failed.current)]).toEqual([false, '2']);
      expect(await store.compareAndSwap(key, '2', null)).toMatchObject({ succeeded: true });
      expect(await store.compareAndSwap(key, null, '4')).toMatchObject({ succeeded: true });
      expect(await store.delete(key)).toMatchObject({ deleted: true });
      expect(await store.delete(key)).toMatchObject({ deleted: false });
      expect(await store.get(key)).toBeNull();
    });

    test('ends what has a TTL, not before its time', async () => {
      const key = `${prefix}/ttl`;
      await store.put(key, 'v', { ttlMs: 700 });
      const swapped = `${prefix}/swapped`;
      await store.compareAndSwap(swapped, null, 'v', { ttlMs: 700 });
      const found = await store.get(key);
      expect(found?.ttlLeftMs).toBeGreaterThan(0);
      await store.put(`${prefix}/cleared`, 'v', { ttlMs: 700 });
      await store.put(`${prefix}/cleared`, 'w');
      await expect.poll(() => store.get(key), { timeout: 10_000, interval: 100 }).toBeNull();
      await expect.poll(() => store.get(swapped), { timeout: 10_000 }).toBeNull();
      expect(text((await store.get(`${prefix}/cleared`))?.value)).toBe('w');
    });

    test('runs transactions as one', async () => {
      const key = `${prefix}/txn`;
      const transaction = {
        compare: [
          { target: 'existence', key, exists: false },
          { target: 'version', key, operator: 'equal', value: 0 },
        ],
        success: [
          { type: 'put', key, value: '1' },
          { type: 'put', key: `${key}/2`, value: '2' },
          { type: 'get', key },
        ],
        failure: [
          { type: 'get', key },
          { type: 'delete', key: `${key}/2` },
        ],
      } as const;
      const first = await store.txn(transaction);
      expect(first).toMatchObject({ succeeded: true, responses: [{ type: 'put' }, {}, {}] });
      const second = await store.txn(transaction);
      expect(second.succeeded).toBe(false);
      const [got, removed] = second.responses;
      expect(got?.type === 'get' && text(got.entry?.value)).toBe('1');
      expect(removed).toEqual({ type: 'delete', deleted: true });
      await expect(
        store.txn({
          compare: [],
          failure: [],
          success: [...transaction.failure, ...transaction.success, { type: 'delete', key }],
        }),
      ).rejects.toMatchObject({ name: 'InvalidRequest' });
    });

    test('scans page by page, both ways', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'];
      for (const name of names) await store.put(`${prefix}/scan/${name}`, name);
      const found: (string | undefined)[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.scan({ prefix: `${prefix}/scan/` }, { limit: 2, cursor });
        found.push(...page.entries.map(({ value }) => text(value)));
        expect(page.revision).toBeGreaterThanOrEqual(page.firstRevision);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(found).toEqual(names);
      const back = await store.scan(
        { start: `${prefix}/scan/b`, end: `${prefix}/scan/e` },
        { order: 'descending', consistency: 'eventual' },
      );
      expect(back.entries.map(({ value }) => text(value))).toEqual(['d', 'c', 'b']);
    });

    test('grants, keeps, shows and revokes leases', async () => {
      const { lease } = await store.grantLease(3_000);
      await store.put(`${prefix}/leased`, 'v', { lease });
      expect(await store.keepLeaseAlive(lease)).toMatchObject({ ttlMs: 3_000 });
      const status = await store.leaseTimeLeft(lease);
      expect(status).toMatchObject({ lease, ttlMs: 3_000 });
      expect(status?.keys.map(text)).toEqual([`${prefix}/leased`]);
      expect(await store.revokeLease(lease)).toMatchObject({ deletedKeys: 1 });
      expect(await store.get(`${prefix}/leased`)).toBeNull();
      expect(await store.leaseTimeLeft(lease)).toBeNull();
      for (const attempt of [
        () => store.keepLeaseAlive(lease),
        () => store.put('x', 'v', { lease }),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ name: 'LeaseNotFound' });
      }
      const short = await store.grantLease(500);
      await store.put(`${prefix}/short`, 'v', { lease: short.lease });
      await pause(500);
      await expect.poll(() => store.get(`${prefix}/short`), { timeout: 10_000 }).toBeNull();
    });

    test('applies a write with an idempotency key once', async () => {
      const key = `${prefix}/once`;
      const options = { idempotencyKey: `${prefix} 1` };
      const first = await store.put(key, '1', options);
      expect(await store.put(key, '1', options)).toEqual(first);
      expect(await store.get(key)).toMatchObject({ version: 1 });
      await expect(store.put(key, '2', options)).rejects.toMatchObject({ name: 'InvalidRequest' });
    });

    test('refuses bad input, and writes nothing', async () => {
      for (const attempt of [
        () => store.put('bad', 'v', { ttlMs: -1 }),
        () => store.put('bad', 'v', { ttlMs: 4e15 }),
        () => store.grantLease(1),
        () => store.scan({ prefix: 'a' }, { cursor: 'none' }),
        () => store.scan({ prefix: 'a' }, { limit: 100_000 }),
      ]) {
        await expect(attempt()).rejects.toMatchObject({ name: 'InvalidRequest' });
      }
      expect(await store.get('bad')).toBeNull();
    });
  });
});
