import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { httpCall } from '../../../tools/cluster/http-call.ts';
import type { LocalCluster } from '../../../tools/cluster/local-cluster.ts';
import { WriteStream } from '../../../tools/cluster/write-stream.ts';
import { scaled } from '../../../tools/test-scale.ts';
import { clientOf, others, startedCluster } from './support/cluster-kit.ts';
import { CrashRounds } from './support/crash-rounds.ts';

const flushMs = 200;
const extraConfig = `
[raft.persistence]
strategy = "MemFirst"
flush_policy = { Batch = { threshold = 100000, interval_ms = ${flushMs} } }
`;

const losses = 'POSSIBLE DATA LOSS';

function announcements(cluster: LocalCluster): number {
  return cluster.ids.filter((id) => cluster.readLog(id).includes(losses)).length;
}

async function metricOf(cluster: LocalCluster, id: number, series: string): Promise<number> {
  const { text } = await httpCall(cluster.metricsAddress(id), 'GET', '/metrics');
  return Number(new RegExp(`^${series} (.+)$`, 'm').exec(text)?.[1]);
}

async function untilAllCount(cluster: LocalCluster): Promise<void> {
  await cluster.waitFor('all members to count', 30_000, async () => {
    const conditions = await Promise.all(cluster.ids.map(async (id) => cluster.status(id)));
    return conditions.every((status) => status?.condition === 'normal') ? true : undefined;
  });
}

test('one that is killed under load loses nothing that the others hold', async () => {
  const cluster = await startedCluster({ extraConfig });
  const crashes = new CrashRounds(cluster, clientOf(cluster));
  const rounds = scaled({ gate: 2, long: 10 });
  for (let round = 0; round < rounds; round++) {
    // The next crash may come before the last victim counts again: then all have to agree.
    await untilAllCount(cluster);
    await crashes.run({
      victims: 'the leader',
      crash: async (leader) => {
        expect(await cluster.kill(leader)).toMatchObject({ signal: 'SIGKILL' });
      },
      revive: () => undefined,
    });
  }
  await crashes.expectEqualCopies();
  await untilAllCount(cluster);
  expect(announcements(cluster)).toBe(0);
});

test('all three killed at once come back together and say what may be lost', async () => {
  const cluster = await startedCluster({ extraConfig });
  const client = clientOf(cluster);
  await client.put('kept', 'flushed long ago');
  await delay(5 * flushMs);
  const stream = new WriteStream(client, 'load/', 8);
  await cluster.waitFor('1000 acknowledged writes', 60_000, () =>
    stream.acknowledgedCount >= 1_000 ? true : undefined,
  );
  const { revision: last } = await client.put('last', 'in memory');
  await cluster.killAll();
  await stream.stop();
  const [first, second, third] = cluster.ids as [number, number, number];
  for (const id of [first, second]) cluster.start(id);
  await cluster.waitFor('both to wait for the third', 30_000, async () => {
    const both = await Promise.all([first, second].map(async (id) => cluster.status(id)));
    return both.every((status) => status?.condition === 'recovering') ? true : undefined;
  });
  expect(announcements(cluster)).toBe(0);
  cluster.start(third);
  const leader = (await cluster.waitUntilSettled()).node_id;
  await untilAllCount(cluster);
  expect(announcements(cluster)).toBe(1);
  expect(cluster.readLog(leader)).toContain(losses);
  expect(await metricOf(cluster, leader, 'd_engine_possible_data_losses_total')).toBe(1);
  expect(await metricOf(cluster, leader, 'd_engine_recovering')).toBe(0);
  const kept = await client.get('kept');
  expect(Buffer.from(kept?.value ?? []).toString()).toBe('flushed long ago');
  const { revision } = await client.put('next', 'of another history');
  expect(revision).toBeGreaterThan(last + 500_000_000);
});

test('the strategy of a member changes with its next start, both ways', async () => {
  const cluster = await startedCluster({ extraConfig });
  const client = clientOf(cluster);
  const diskFirst = { RAFT__RAFT__PERSISTENCE__STRATEGY: 'DiskFirst' };
  const leader = (await cluster.waitUntilSettled()).node_id;
  const [one, other] = others(cluster, leader);
  await client.put('k', 'before');
  // A clean stop left nothing in memory; a kill may have, whatever the next run does.
  expect((await cluster.stop(one)).code).toBe(0);
  cluster.start(one, diskFirst);
  await cluster.kill(other);
  cluster.start(other, diskFirst);
  await cluster.waitUntilSettled();
  await untilAllCount(cluster);
  expect(cluster.readLog(one)).not.toContain('recovered: this member');
  expect(cluster.readLog(other)).toContain('recovered: this member');
  await client.put('k', 'between');
  await cluster.kill(one);
  cluster.start(one);
  await cluster.waitUntilSettled();
  await untilAllCount(cluster);
  expect(cluster.readLog(one)).not.toContain('recovered: this member');
  const found = await client.get('k');
  expect(Buffer.from(found?.value ?? []).toString()).toBe('between');
  expect(announcements(cluster)).toBe(0);
});
