import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LocalCluster, StatusBody } from '../../../tools/cluster/local-cluster.ts';
import { WriteStream } from '../../../tools/cluster/write-stream.ts';
import {
  clientOf,
  electionTimeoutMaxMs,
  newCluster,
  others,
  startedCluster,
} from './support/cluster-kit.ts';
import { errorOf, post, read } from './support/http-store.ts';

/** Long enough for several elections, if any were possible. */
const noElectionMs = 3 * electionTimeoutMaxMs;

async function refusedStatus(cluster: LocalCluster, id: number): Promise<StatusBody> {
  return cluster.waitFor(`node ${id} to be refused`, 15_000, async () => {
    const status = await cluster.status(id);
    return status?.condition === 'refused' ? status : undefined;
  });
}

/** Watches the running nodes for a while: none may lead. */
async function expectNoLeader(cluster: LocalCluster, forMs: number): Promise<void> {
  const endAtMs = Date.now() + forMs;
  while (Date.now() < endAtMs) {
    for (const id of cluster.runningIds()) {
      expect(await cluster.status(id)).not.toMatchObject({ role: 'leader' });
    }
    await delay(50);
  }
}

test('one wiped voter is refused, told what to do, and counts in nothing', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const [wiped, other] = others(cluster, leader);
  await clientOf(cluster).put('kept', 'value');
  await cluster.kill(wiped);
  cluster.wipe(wiped);
  cluster.start(wiped);

  const status = await refusedStatus(cluster, wiped);
  expect(status).toMatchObject({ cluster_id: null, leader: null, applied_index: 0 });
  const advice = /another data directory.*give it its old directory back, or replace the member/;
  expect(status.condition_reason).toMatch(advice);
  expect(cluster.readLog(wiped)).toMatch(
    new RegExp(`ERROR peer ${leader} refused this member: .*${advice.source}`),
  );
  expect(cluster.readLog(leader)).toMatch(`ERROR refused peer ${wiped}: `);
  for (const answer of [
    await post(cluster.address(wiped), '/put', { key: 'kept', value: 'lost' }),
    await read(cluster.address(wiped), 'kept', 'eventual'),
  ]) {
    expect(answer.status).toBe(503);
    expect(errorOf(answer)).toMatchObject({ code: 10009, name: 'MemberRefused' });
  }

  // The other two are a quorum; the leader and the wiped one are none, whatever it would say.
  await clientOf(cluster).put('kept', 'by two');
  await cluster.kill(other);
  const alone = await post(cluster.address(leader), '/put', { key: 'kept', value: 'lost' });
  expect([503, 504]).toContain(alone.status);
  await cluster.waitFor('the leader to step down', 10_000, async () =>
    (await cluster.status(leader))?.role === 'leader' ? undefined : true,
  );
  await expectNoLeader(cluster, noElectionMs);
});

test('a member that gets its old directory back is accepted again', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const [moved] = others(cluster, leader);
  await cluster.kill(moved);
  const putBack = cluster.moveDataAway(moved);
  cluster.start(moved);
  await refusedStatus(cluster, moved);
  await cluster.stop(moved);
  putBack();
  cluster.start(moved);
  await cluster.waitUntilSettled();
  expect(await cluster.status(moved)).toMatchObject({ condition: 'normal', role: 'follower' });
});

test('a wiped voter and an old one elect nobody, so no acknowledged write is lost', async () => {
  const cluster = await startedCluster();
  const client = clientOf(cluster);
  await client.put('before', '0');
  // 2 is cut off, {1, 3} acknowledge, 3 is wiped, 1 dies: 2 must not lead with the wiped 3.
  await cluster.stop(2);
  await cluster.waitForLeader();
  const stream = new WriteStream(client, 'without-2/', 8);
  await cluster.waitFor('writes', 30_000, () =>
    stream.acknowledgedCount >= 200 ? true : undefined,
  );
  await stream.stop();
  await cluster.kill(3);
  cluster.wipe(3);
  await cluster.kill(1);
  cluster.start(2);
  cluster.start(3);
  await refusedStatus(cluster, 3);
  await expectNoLeader(cluster, noElectionMs);

  cluster.start(1);
  const leader = await cluster.waitForLeader();
  expect(leader.node_id).not.toBe(3);
  expect(await stream.verify(client)).toEqual([]);
  expect((await client.get('before', { consistency: 'linearizable' }))?.version).toBe(1);
});

test('a cluster that was wiped as a whole forms anew', async () => {
  const cluster = await startedCluster();
  const first = await cluster.waitUntilSettled();
  const client = clientOf(cluster);
  await client.put('old', 'value');
  await cluster.killAll();
  for (const id of cluster.ids) cluster.wipe(id);
  cluster.startAll();
  const second = await cluster.waitUntilSettled();
  expect(second.cluster_id).toMatch(/^[0-9a-f]{32}$/);
  expect(second.cluster_id).not.toBe(first.cluster_id);
  const fresh = clientOf(cluster);
  expect(await fresh.get('old', { consistency: 'linearizable' })).toBeNull();
  // The client of before knows its cluster, and does not take this one for it.
  await expect(client.get('old')).rejects.toMatchObject({ name: 'WrongCluster' });
});

test('a voter that comes late is bound, and then counts', async () => {
  const cluster = await newCluster();
  cluster.start(1);
  cluster.start(2);
  await cluster.waitUntilSettled();
  const client = clientOf(cluster);
  await client.put('two', 'acknowledged');
  cluster.start(3);
  const leader = await cluster.waitUntilSettled();
  await cluster.waitFor('node 3 to be bound', 10_000, () =>
    cluster.readLog(leader.node_id).includes('member bound node=3') ? true : undefined,
  );
  await cluster.kill(leader.node_id);
  const next = await cluster.waitForLeader({ afterTerm: leader.term });
  expect(next.node_id).not.toBe(leader.node_id);
  const entry = await client.get('two', { consistency: 'linearizable' });
  expect(Buffer.from(entry?.value ?? []).toString()).toBe('acknowledged');
  await client.put('two', 'and again');
});
