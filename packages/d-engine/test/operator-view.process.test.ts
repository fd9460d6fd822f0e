import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { httpCall } from '../../../tools/cluster/http-call.ts';
import { clientOf, newCluster, others, startedCluster } from './support/cluster-kit.ts';
import { bodyOf } from './support/http-store.ts';

const stamp = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

/** The lines of a log, each of the form that tools may count on; separators of starts apart. */
function linesOf(log: string): string[] {
  const lines = log.trimEnd().split('\n');
  for (const line of lines) {
    expect(line).toMatch(
      new RegExp(
        `^(${stamp} (TRACE|DEBUG|INFO|WARN|ERROR) \\S.*|---- started ${stamp} pid=\\d+ ----)$`,
      ),
    );
  }
  return lines;
}

test('at warn the log tells who leads, whom it lost, and little else', async () => {
  const cluster = await startedCluster({ logLevel: 'warn' });
  const leader = await cluster.waitUntilSettled();
  const [first, second] = others(cluster, leader.node_id);
  const lone = linesOf(cluster.readLog(leader.node_id));
  expect(lone.filter((line) => line.includes(' WARN ') || line.includes(' ERROR '))).toEqual([]);
  expect(lone.at(-1)).toMatch(
    new RegExp(` INFO Became leader node=${leader.node_id} term=${leader.term}$`),
  );
  expect(cluster.readLog(first)).not.toContain('Became leader');

  await cluster.kill(first);
  const address = cluster.address(first);
  const lost = new RegExp(
    ` WARN connection to peer ${first} \\(${address}\\) lost plane=control: .*, retry in \\d+ ms`,
  );
  await cluster.waitFor('the loss in the log', 5_000, () =>
    lost.test(cluster.readLog(second)) ? true : undefined,
  );
  await delay(3_000);
  const during = linesOf(cluster.readLog(leader.node_id)).length - lone.length;
  expect(during, 'lines for one dead peer in three seconds').toBeLessThanOrEqual(4);
  expect(cluster.readLog(leader.node_id)).toMatch(lost);

  cluster.start(first);
  await cluster.waitUntilSettled();
  const restored = ` WARN connection to peer ${first} restored plane=control`;
  await cluster.waitFor('the return in the log', 5_000, () =>
    cluster.readLog(leader.node_id).includes(restored) ? true : undefined,
  );
  // Both starts of it are in its log, each after its separator.
  const starts = linesOf(cluster.readLog(first)).filter((line) => line.startsWith('----'));
  expect(starts).toHaveLength(2);
});

test('a follower that hangs is named while the others go on', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const [hanging] = others(cluster, leader);
  const client = clientOf(cluster);
  await client.put('before', 'x');
  cluster.process(hanging).signal('SIGSTOP');
  for (let write = 0; write < 10; write++) await client.put('during', String(write));
  const line = new RegExp(
    ` WARN append_entries to peer ${hanging} unacknowledged for [2-9]\\.\\d s ` +
      String.raw`match_index=\d+ lag=\d+`,
    'g',
  );
  await cluster.waitFor('the line in the log', 10_000, () =>
    line.test(cluster.readLog(leader)) ? true : undefined,
  );
  await delay(3_000);
  expect(cluster.readLog(leader).match(line)).toHaveLength(1);
  cluster.process(hanging).signal('SIGCONT');
  await cluster.waitUntilSettled();
  const entry = await clientOf(cluster, hanging).get('during', { consistency: 'eventual' });
  expect(Buffer.from(entry?.value ?? []).toString()).toBe('9');
});

test('the metrics port answers /live, /ready and /metrics', async () => {
  const cluster = await newCluster();
  cluster.start(1);
  const get = (id: number, path: string) => httpCall(cluster.metricsAddress(id), 'GET', path);
  await cluster.waitFor('the first status', 10_000, () => cluster.status(1));
  // Alive, which is what a supervisor asks; not ready, which is what a load balancer asks.
  expect((await get(1, '/live')).status).toBe(200);
  const early = await get(1, '/ready');
  expect(early.status).toBe(503);
  expect(bodyOf<{ checks: Record<string, string> }>(early).checks['leader']).toMatch(
    /^no leader: node 1 reaches 1 of 3 voters and a quorum needs 2/,
  );
  cluster.start(2);
  cluster.start(3);
  const leader = (await cluster.waitUntilSettled()).node_id;
  await clientOf(cluster).put('counted', 'x');
  for (const id of cluster.ids) {
    const ready = await get(id, '/ready');
    expect(bodyOf(ready)).toMatchObject({ status: 'ok', checks: { member: 'ok', leader: 'ok' } });
    expect(ready.text).toBe((await get(id, '/health')).text);
    const metrics = await get(id, '/metrics');
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(metrics.text).toMatch(new RegExp(`^d_engine_is_leader ${id === leader ? 1 : 0}$`, 'm'));
    expect(metrics.text).toMatch(/^d_engine_has_leader 1$/m);
    expect(metrics.text).toMatch(/^d_engine_commit_index \d+$/m);
    expect(metrics.text).toMatch(/^d_engine_keys 1$/m);
    for (const line of metrics.text.trimEnd().split('\n')) {
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{.*\})? (-?[\d.e+-]+|\+Inf|NaN))$/);
    }
  }
  const [one] = others(cluster, leader);
  const metrics = (await get(leader, '/metrics')).text;
  expect(metrics).toMatch(/^d_engine_writes_total [1-9]/m);
  expect(metrics).toMatch(new RegExp(`^d_engine_peer_lag_entries\\{peer="${one}"\\} \\d+$`, 'm'));
});

test('the leader says how often it found all members to have one state', async () => {
  const cluster = await startedCluster({
    extraConfig: '[raft]\nstate_verification_interval_ms = 1000',
  });
  const leader = (await cluster.waitUntilSettled()).node_id;
  const client = clientOf(cluster);
  await client.put('looked', 'at');
  await cluster.waitFor('a look at the states', 20_000, async () => {
    const { text } = await httpCall(cluster.metricsAddress(leader), 'GET', '/metrics');
    return /^d_engine_state_verifications_total [1-9]/m.test(text) ? true : undefined;
  });
  for (const id of cluster.ids) {
    const { text } = await httpCall(cluster.metricsAddress(id), 'GET', '/metrics');
    expect(text).toMatch(/^d_engine_state_diverged 0$/m);
  }
});
