import type { ClientApi } from '@d-engine/base';
import type { VirtualWorld } from '@d-engine/virtual-env';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Node } from '../src/index.ts';
import { startThree } from './three-nodes.ts';

let world: VirtualWorld;
let nodes: readonly Node[];
let leader: Node;
let followers: Node[];
beforeAll(async () => {
  ({ world, nodes, leader, followers } = await startThree(7));
});

const text = (bytes: Uint8Array | null | undefined): string | undefined =>
  bytes === null || bytes === undefined ? undefined : Buffer.from(bytes).toString();

function run<T>(promise: Promise<T>): Promise<T> {
  return world.complete(promise);
}

describe.each(['leader', 'follower'] as const)('embedded on the %s', (place) => {
  const client = (): ClientApi => (place === 'leader' ? leader : (followers[0] as Node)).client;

  test('a TTL ends the key on every member, and is told until then', async () => {
    const key = `${place}/ttl`;
    const { revision } = await run(client().put(key, 'v', { ttlMs: 2_000 }));
    const found = await run(client().get(key));
    expect(found?.modRevision).toBe(revision);
    expect(found?.ttlLeftMs).toBeGreaterThan(0);
    await world.run({ forMs: 1_500 });
    expect(await run(client().get(key))).not.toBeNull();
    await world.run({ forMs: 1_000 });
    for (const node of nodes) {
      expect(await run(node.client.get(key, { consistency: 'eventual' }))).toBeNull();
    }
  });

  test('a transaction does one list or the other', async () => {
    const key = `${place}/txn`;
    const transaction = {
      compare: [{ target: 'existence', key, exists: false }],
      success: [{ type: 'put', key, value: '1' }],
      failure: [{ type: 'get', key }],
    } as const;
    expect(await run(client().txn(transaction))).toMatchObject({ succeeded: true });
    const second = await run(client().txn(transaction));
    expect(second.succeeded).toBe(false);
    const [response] = second.responses;
    expect(response?.type === 'get' && text(response.entry?.value)).toBe('1');
  });

  test('a lease holds its keys while it is kept alive', async () => {
    const { lease, revision, ttlMs } = await run(client().grantLease(1_000));
    expect({ lease, ttlMs }).toEqual({ lease: revision, ttlMs: 1_000 });
    await run(client().put(`${place}/leased`, 'v', { lease }));
    for (let round = 0; round < 5; round++) {
      await world.run({ forMs: 600 });
      expect(await run(client().keepLeaseAlive(lease))).toMatchObject({ ttlMs: 1_000 });
    }
    const status = await run(client().leaseTimeLeft(lease));
    expect(status?.keys.map(text)).toEqual([`${place}/leased`]);
    expect(status?.leftMs).toBeGreaterThan(500);
    await world.run({ forMs: 1_200 });
    expect(await run(client().get(`${place}/leased`))).toBeNull();
    expect(await run(client().leaseTimeLeft(lease))).toBeNull();
    await expect(run(client().keepLeaseAlive(lease))).rejects.toMatchObject({
      name: 'LeaseNotFound',
    });
    await expect(run(client().put('x', 'v', { lease }))).rejects.toMatchObject({
      name: 'LeaseNotFound',
    });
  });

  test('a revoked lease takes its keys along', async () => {
    const { lease } = await run(client().grantLease(60_000));
    await run(client().put(`${place}/revoked`, 'v', { lease }));
    expect(await run(client().revokeLease(lease))).toMatchObject({ deletedKeys: 1 });
    expect(await run(client().get(`${place}/revoked`))).toBeNull();
  });

  test('a scan goes on page by page, at the revision of its first page or later', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await run(client().put(`${place}/s/${name}`, name));
    for (const consistency of ['linearizable', 'lease', 'eventual'] as const) {
      const found: string[] = [];
      let cursor: string | undefined;
      let firstRevision = 0;
      do {
        const page = await run(
          client().scan({ prefix: `${place}/s/` }, { limit: 2, consistency, cursor }),
        );
        found.push(...page.entries.map((entry) => text(entry.value) as string));
        if (firstRevision === 0) firstRevision = page.revision;
        expect(page.firstRevision).toBe(firstRevision);
        expect(page.revision).toBeGreaterThanOrEqual(firstRevision);
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(found).toEqual(['a', 'b', 'c', 'd', 'e']);
    }
    const range = { start: `${place}/s/b`, end: `${place}/s/e` };
    const back = await run(client().scan(range, { order: 'descending' }));
    expect(back.entries.map((entry) => text(entry.value))).toEqual(['d', 'c', 'b']);
    expect(back.nextCursor).toBeNull();
  });

  test('a cursor that is none, or of another scan, is refused', async () => {
    const page = await run(client().scan({ prefix: `${place}/s/` }, { limit: 1 }));
    const cursor = page.nextCursor ?? '';
    const attempts = [
      () => client().scan({ prefix: 'other' }, { cursor }),
      () => client().scan({ prefix: `${place}/s/` }, { cursor, order: 'descending' }),
      () => client().scan({ prefix: `${place}/s/` }, { cursor: `${cursor}x` }),
      () => client().scan({ prefix: `${place}/s/` }, { cursor: '!' }),
      () => client().scan({ prefix: '' }, { limit: 0 }),
      () => client().scan({ prefix: '' }, { limit: 1_001 }),
    ];
    for (const attempt of attempts) {
      await expect(run(attempt())).rejects.toMatchObject({ name: 'InvalidRequest' });
    }
  });

  test('a write with an idempotency key is applied once, wherever it comes again', async () => {
    const options = { idempotencyKey: `${place}-order-1` };
    const first = await run(client().put(`${place}/once`, '1', options));
    for (const node of nodes) {
      expect(await run(node.client.put(`${place}/once`, '1', options))).toEqual(first);
    }
    expect(await run(client().get(`${place}/once`))).toMatchObject({ version: 1 });
    await expect(run(client().put(`${place}/once`, '2', options))).rejects.toMatchObject({
      name: 'InvalidRequest',
    });
  });

  test('bad input is refused before anything is written', async () => {
    const before = await run(client().read([]));
    const attempts = [
      () => client().put('k', 'v', { ttlMs: -1 }),
      () => client().put('k', 'v', { ttlMs: 0.5 }),
      () => client().put('k', 'v', { lease: 0 }),
      () => client().grantLease(99),
      () => client().put('k', 'v', { idempotencyKey: '' }),
      () => client().put('k', 'v', { idempotencyKey: 'x'.repeat(300) }),
    ];
    for (const attempt of attempts) {
      await expect(run(attempt())).rejects.toMatchObject({ name: 'InvalidRequest' });
    }
    const { revision } = await run(client().read([]));
    expect(revision - before.revision).toBeLessThan(3);
    expect(await run(client().get('k'))).toBeNull();
  });
});

test('time entries come while something expires, and stop when nothing does', async () => {
  const one = await startThree(12);
  const revision = (): number => one.leader.status().revision;
  await one.world.run({ forMs: 5_000 });
  const idle = revision();
  await one.world.complete(one.leader.client.put('k', 'v', { ttlMs: 4_500 }));
  await one.world.run({ forMs: 4_400 });
  expect(revision() - idle).toBeGreaterThanOrEqual(4);
  await one.world.run({ forMs: 1_000 });
  const after = revision();
  expect(await one.world.complete(one.leader.client.get('k'))).toBeNull();
  await one.world.run({ forMs: 10_000 });
  expect(revision()).toBe(after);
});

test('a TTL never ends early over a change of leader, and not much later', async () => {
  const one = await startThree(13);
  // Until then not every voter is bound, and no two of them could elect one.
  await one.world.run({ forMs: 2_000 });
  await one.world.complete(one.leader.client.put('k', 'v', { ttlMs: 5_000 }));
  const writtenAtMs = one.world.nowMs;
  await one.world.complete(one.leader.stop());
  const left = one.followers;
  await one.world.run({ until: () => left.some((node) => node.isLeader), limitMs: 10_000 });
  const next = left.find((node) => node.isLeader) as Node;
  await one.world.run({ untilMs: writtenAtMs + 4_900 });
  expect(await one.world.complete(next.client.get('k'))).not.toBeNull();
  await one.world.run({ untilMs: writtenAtMs + 8_000 });
  expect(await one.world.complete(next.client.get('k'))).toBeNull();
});
