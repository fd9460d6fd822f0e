import { existsSync, readFileSync, renameSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { WriteStream } from '../../../tools/cluster/write-stream.ts';
import {
  clientOf,
  electionTimeoutMaxMs,
  newCluster,
  others,
  say,
  startedCluster,
} from './support/cluster-kit.ts';
import { NodeFolder } from './support/node-folder.ts';

test('a leader that is stopped hands over before anybody would have missed it', async () => {
  const cluster = await startedCluster();
  const client = clientOf(cluster);
  const stream = new WriteStream(client, 'handed-over/', 16);
  await cluster.waitFor('writes', 30_000, () =>
    stream.acknowledgedCount >= 1_000 ? true : undefined,
  );
  const leader = await cluster.waitUntilSettled();
  const stoppedAtMs = performance.now();
  cluster.process(leader.node_id).signal('SIGTERM');
  const next = await cluster.waitForLeader({ afterTerm: leader.term });
  const handOverMs = Math.round(performance.now() - stoppedAtMs);
  const exit = await cluster.process(leader.node_id).exited;
  const exitMs = Math.round(performance.now() - stoppedAtMs);
  const before = stream.acknowledgedCount;
  await cluster.waitFor('writes to go on', 30_000, () =>
    stream.acknowledgedCount >= before + 200 ? true : undefined,
  );
  await stream.stop();
  say(
    `SIGTERM on leader ${leader.node_id}: node ${next.node_id} leads after ${handOverMs} ms, ` +
      `exit after ${exitMs} ms, longest pause ${Math.round(stream.longestPauseMs)} ms, ` +
      `in doubt: ${stream.everInDoubt.join(' ') || 'none'}`,
  );
  expect(exit).toEqual({ code: 0, signal: null });
  expect(handOverMs).toBeLessThan(electionTimeoutMaxMs);
  expect(await stream.verify(client)).toEqual([]);
  const log = cluster.readLog(leader.node_id);
  // It heard of its successor before it went: nobody had to miss it.
  expect(log).toMatch(
    new RegExp(` INFO stopping (.*\n)+.* stepped down .* why="member ${next.node_id} is in term`),
  );
  expect(log).toMatch(/INFO node stopped node=\d\n$/);
  expect(log).not.toMatch(/ ERROR /);

  // Nothing to recover from: it is back at once, with its directory free.
  cluster.start(leader.node_id);
  await cluster.waitUntilSettled();
});

test('a second signal ends a node at once that waits for somebody to take over', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const [first, second] = others(cluster, leader);
  for (const id of [first, second]) cluster.process(id).signal('SIGSTOP');
  const process = cluster.process(leader);
  process.signal('SIGINT');
  await cluster.waitFor('the node to begin its stop', 5_000, () =>
    cluster.readLog(leader).includes(' stopping ') ? true : undefined,
  );
  expect(process.isRunning).toBe(true);
  const againAtMs = performance.now();
  expect(await process.end('SIGTERM')).toEqual({ code: 1, signal: null });
  expect(performance.now() - againAtMs).toBeLessThan(electionTimeoutMaxMs / 2);
});

test('three nodes that are stopped at once do not wait for each other', async () => {
  const cluster = await newCluster();
  cluster.startAll();
  // In the middle of what follows on the election: what is under way then must not outlive it.
  await cluster.waitForLeader();
  const stoppedAtMs = performance.now();
  const exits = await Promise.all(cluster.ids.map((id) => cluster.stop(id)));
  const tookMs = Math.round(performance.now() - stoppedAtMs);
  say(`SIGTERM on all three to the last exit: ${tookMs} ms`);
  expect(exits).toEqual(cluster.ids.map(() => ({ code: 0, signal: null })));
  expect(tookMs).toBeLessThan(electionTimeoutMaxMs);
});

test('a follower and a lone node stop without delay', async () => {
  const cluster = await startedCluster();
  const [follower] = others(cluster, (await cluster.waitUntilSettled()).node_id);
  const startedAtMs = performance.now();
  expect(await cluster.stop(follower)).toEqual({ code: 0, signal: null });
  const followerMs = performance.now() - startedAtMs;
  const alone = await newCluster({ size: 1 });
  alone.startAll();
  await alone.waitForLeader();
  const aloneAtMs = performance.now();
  expect(await alone.stop(1)).toEqual({ code: 0, signal: null });
  const aloneMs = performance.now() - aloneAtMs;
  say(`SIGTERM to exit: follower ${Math.round(followerMs)} ms, lone ${Math.round(aloneMs)} ms`);
  expect(Math.max(followerMs, aloneMs)).toBeLessThan(electionTimeoutMaxMs);
});

test('SIGHUP opens the log anew, as logrotate wants it', async () => {
  const folder = await NodeFolder.create();
  const node = await folder.start(folder.config({}, 'config/n1.toml'));
  const path = `${folder.path}/logs/1/d.log`;
  renameSync(path, `${path}.1`);
  const moved = readFileSync(`${path}.1`, 'utf8');
  expect(moved).toMatch(/^---- started .* ----\n/);
  node.signal('SIGHUP');
  for (let waits = 0; !existsSync(path); waits++) {
    expect(waits).toBeLessThan(200);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  expect(await node.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(folder.read('logs/1/d.log')).toContain(' INFO node stopped ');
  // A line that was under way may still have reached the old file, and no later one.
  const old = readFileSync(`${path}.1`, 'utf8');
  expect(old.startsWith(moved)).toBe(true);
  expect(old).not.toContain('node stopped');
});
