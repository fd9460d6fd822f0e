import type { DEngineError } from 'd-engine/client';
import { expect, test } from 'vitest';
import type { LocalCluster } from '../../../tools/cluster/local-cluster.ts';
import { clientOf, newCluster, others, startedCluster } from './support/cluster-kit.ts';
import type { FoundBody } from './support/http-store.ts';
import { bodyOf, errorOf, post, read } from './support/http-store.ts';

/** What callers of the lone member must be told: how many are missed, who, and what to do. */
function reason(cluster: LocalCluster, alone: number, missing: readonly number[]): string[] {
  return [
    `node ${alone} reaches 1 of 3 voters and a quorum needs 2`,
    ...missing.map((id) => `${id} (${cluster.address(id)})`),
    'Start the missing members',
  ];
}

async function untilItKnows(cluster: LocalCluster, alone: number): Promise<void> {
  await cluster.waitFor('the lone member to see that nobody leads', 10_000, async () => {
    const status = await cluster.status(alone);
    return status?.leader === null && status.role !== 'leader' ? true : undefined;
  });
}

async function expectRefusal(outcome: Promise<unknown>, parts: readonly string[]): Promise<void> {
  const error = await outcome.then(
    () => undefined,
    (thrown: unknown) => thrown as DEngineError,
  );
  expect(error).toMatchObject({ name: 'ClusterUnavailable', mayHaveBeenApplied: false });
  for (const part of parts) expect(error?.message).toContain(part);
}

test('a follower that is left alone answers no write and no read but an eventual one', async () => {
  const cluster = await startedCluster();
  const client = clientOf(cluster);
  await client.put('kept', 'value');
  const leader = await cluster.waitUntilSettled();
  const [alone, other] = others(cluster, leader.node_id);
  await cluster.kill(other);
  await cluster.kill(leader.node_id);
  await untilItKnows(cluster, alone);
  const missing = reason(cluster, alone, [leader.node_id, other]);
  const address = cluster.address(alone);

  const calls = [
    post(address, '/put', { key: 'kept', value: 'lost' }),
    post(address, '/delete', { key: 'kept' }),
    post(address, '/cas', { key: 'kept', expected: 'value', value: 'lost' }),
    read(address, 'kept', 'linearizable'),
    read(address, 'kept', 'lease'),
    read(address, 'kept'),
  ];
  for (const answer of await Promise.all(calls)) {
    expect(answer.status).toBe(503);
    const error = errorOf(answer);
    expect(error).toMatchObject({
      code: 4005,
      name: 'ClusterUnavailable',
      retryable: true,
      may_have_been_applied: false,
    });
    for (const part of missing) expect(error.message).toContain(part);
    expect(answer.headers['retry-after']).toBe('1');
  }
  const found = await read(address, 'kept', 'eventual');
  expect(bodyOf<FoundBody>(found)).toMatchObject({ value: 'value', consistency: 'eventual' });

  const lone = clientOf(cluster, alone);
  await Promise.all([
    expectRefusal(lone.put('kept', 'lost'), missing),
    expectRefusal(lone.get('kept', { consistency: 'linearizable' }), missing),
    expectRefusal(lone.get('kept', { consistency: 'lease' }), missing),
  ]);
  const entry = await lone.get('kept', { consistency: 'eventual' });
  expect(Buffer.from(entry?.value ?? []).toString()).toBe('value');

  cluster.start(other);
  await cluster.waitUntilSettled();
  expect((await post(address, '/put', { key: 'kept', value: 'newer' })).status).toBe(200);
});

test('a leader that is left alone acknowledges nothing more, and soon leads no more', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const address = cluster.address(leader);
  const [first, second] = others(cluster, leader);
  await Promise.all([cluster.kill(first), cluster.kill(second)]);
  // It still believes that it leads: the write enters its log, and nobody can say what will be.
  const answer = await post(address, '/put', { key: 'alone', value: 'x' });
  expect([503, 504]).toContain(answer.status);
  if (answer.status === 504) {
    expect(errorOf(answer)).toMatchObject({ name: 'ProposeFailed', may_have_been_applied: true });
  }
  await untilItKnows(cluster, leader);
  expect(cluster.readLog(leader)).toMatch(/stepped down .*no quorum of voters/);
  const refused = errorOf(await read(address, 'alone', 'linearizable'));
  for (const part of reason(cluster, leader, [first, second])) {
    expect(refused.message).toContain(part);
  }
  const unread = await read(address, 'alone', 'eventual');
  expect(bodyOf<FoundBody>(unread).value).toBeNull();
});

test('a cluster of three starts with two, and with one it waits and says for whom', async () => {
  const cluster = await newCluster();
  cluster.start(1);
  const waiting = await cluster.waitFor('the first status', 10_000, () => cluster.status(1));
  expect(waiting).toMatchObject({ condition: 'forming', leader: null, cluster_id: null });
  const early = await post(cluster.address(1), '/put', { key: 'early', value: 'x' });
  expect(early.status).toBe(503);
  for (const part of reason(cluster, 1, [2, 3])) expect(errorOf(early).message).toContain(part);

  cluster.start(2);
  const leader = await cluster.waitUntilSettled();
  expect(leader.condition).toBe('normal');
  const client = clientOf(cluster);
  await client.put('two', 'are enough');
  const entry = await client.get('two', { consistency: 'linearizable' });
  expect(Buffer.from(entry?.value ?? []).toString()).toBe('are enough');
});
