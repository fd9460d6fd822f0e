import { describe, expect, onTestFinished, test } from 'vitest';
import type { TestCluster, TestClusterOptions } from '../testing.ts';
import { startTestCluster } from '../testing.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

async function start(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await startTestCluster(options);
  onTestFinished(() => cluster.stop());
  return cluster;
}

describe('a cluster in memory', () => {
  test('takes writes by any member, at once and many at a time', async () => {
    const cluster = await start({ nodes: 3 });
    const startedAt = performance.now();
    const puts = [1, 2, 3, 1, 2, 3].map((id, at) => cluster.client(id).put(`key-${at}`, 'value'));
    const revisions = (await Promise.all(puts)).map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(6);
    expect(text((await cluster.client(3).get('key-0'))?.value)).toBe('value');
    await cluster.advanceTime(60_000);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  test('survives the loss of its leader, which comes back as a follower', async () => {
    const cluster = await start();
    const { revision } = await cluster.client().put('key', 'value');
    const killed = await cluster.killLeader();
    expect(cluster.leaderId).not.toBe(killed);
    expect((await cluster.client().get('key'))?.modRevision).toBe(revision);
    expect(await cluster.waitForLeader()).not.toBe(killed);
    expect(() => cluster.kill(killed)).toThrow('is down already');
    await cluster.client().put('key', 'later');
    await cluster.restart(killed);
    const entry = await cluster.client(killed).get('key', { consistency: 'linearizable' });
    expect(text(entry?.value)).toBe('later');
  });

  test('goes on without a minority that is cut off, and not the other way round', async () => {
    const cluster = await start();
    const leader = await cluster.waitForLeader();
    const others = cluster.nodeIds.filter((id) => id !== leader);
    cluster.partition([leader], others);
    await cluster.advanceTime(10_000);
    expect(others).toContain(cluster.leaderId);
    await cluster.client().put('key', 'by the majority');
    const late = cluster.client(leader).put('key', 'by the minority', { deadlineMs: 2_000 });
    await expect(late).rejects.toMatchObject({ retryable: true });
    cluster.heal();
    await cluster.advanceTime(10_000);
    expect(text((await cluster.client(leader).get('key'))?.value)).toBe('by the majority');
    expect(() => cluster.partition([9])).toThrow('no node 9 among 1, 2, 3');
  });

  test('runs the same for the same seed', async () => {
    const story = async (): Promise<unknown> => {
      const cluster = await start({ seed: 'again' });
      const { revision } = await cluster.client().put('key', 'value');
      return [cluster.leaderId, revision, await cluster.killLeader()];
    };
    expect(await story()).toEqual(await story());
  });

  test('tells watchers what others write meanwhile', async () => {
    const cluster = await start({ nodes: 1 });
    const seen: string[] = [];
    for await (const event of cluster.client().watch({ key: 'key' })) {
      seen.push(event.type);
      if (event.type === 'ready') await cluster.client().put('key', 'value');
      else break;
    }
    expect(seen[0]).toBe('ready');
    expect(seen).toHaveLength(2);
  });

  test('without a majority has no leader and says so; without any node too', async () => {
    const cluster = await start({ nodes: 2 });
    cluster.kill(await cluster.waitForLeader());
    await expect(cluster.waitForLeader()).rejects.toMatchObject({ name: 'ClusterUnavailable' });
    const [left] = cluster.nodeIds.filter((id) => id !== cluster.leaderId);
    expect(left).toBeDefined();
    const put = cluster.client().put('key', 'value', { deadlineMs: 1_000 });
    await expect(put).rejects.toMatchObject({ name: 'ClusterUnavailable' });
  });

  test('is configured as a file would, except for who its members are', async () => {
    const config = { limits: { max_value_bytes: 10 }, cluster: { node_id: 7 } };
    const cluster = await start({ nodes: 1, config });
    expect(cluster.nodeIds).toEqual([1]);
    const put = cluster.client().put('key', 'longer than ten');
    await expect(put).rejects.toMatchObject({ name: 'RequestTooLarge' });
    const wrong = startTestCluster({ config: { limits: { max_values: 1 } } });
    await expect(wrong).rejects.toMatchObject({ name: 'ConfigError' });
  });
});
