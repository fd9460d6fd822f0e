import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'd-engine/client';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { WriteStream } from '../cluster/write-stream.ts';

// Starts three nodes, kills the leader while writing, and shows that nothing acknowledged is gone.

const acknowledgedMin = 2_000;
const writers = 16;
const root = dirname(dirname(dirname(process.argv[1] as string)));

const say = (line: string): void => {
  process.stdout.write(`demo: ${line}\n`);
};

const cluster = await LocalCluster.create({ root, logLevel: 'warn' });
process.on('SIGINT', () => {
  cluster.dispose().then(
    () => process.exit(130),
    () => process.exit(1),
  );
});
try {
  process.exitCode = await demo();
} finally {
  await cluster.dispose();
}

async function demo(): Promise<number> {
  cluster.startAll();
  for (const id of cluster.ids) {
    say(`node ${id} at ${cluster.address(id)}, pid ${cluster.process(id).pid}`);
  }
  const leader = await cluster.waitForLeader();
  say(`node ${leader.node_id} became leader in term ${leader.term}`);
  const client = connect({ endpoints: cluster.endpoints, deadlineMs: 3_000 });
  const stream = new WriteStream(client, 'demo/', writers);
  await cluster.waitFor('writes', 30_000, () =>
    stream.acknowledgedCount >= acknowledgedMin ? true : undefined,
  );
  say(`${stream.acknowledgedCount} writes acknowledged; killing node ${leader.node_id} (SIGKILL)`);
  const killedAtMs = performance.now();
  await cluster.kill(leader.node_id);
  const next = await cluster.waitForLeader({ afterTerm: leader.term });
  const tookMs = Math.round(performance.now() - killedAtMs);
  say(`node ${next.node_id} became leader in term ${next.term}, ${tookMs} ms after the kill`);
  const before = stream.acknowledgedCount;
  await cluster.waitFor('writes to go on', 30_000, () =>
    stream.acknowledgedCount >= before + acknowledgedMin ? true : undefined,
  );
  await stream.stop();
  say(
    `${stream.acknowledgedCount} writes acknowledged in all, ` +
      `${stream.everInDoubt.length} in doubt (sent to the killed leader, no answer), ` +
      `longest pause ${Math.round(stream.longestPauseMs)} ms`,
  );
  const problems = await stream.verify(client);
  for (const problem of problems) say(`LOST: ${problem}`);
  if (problems.length === 0) say(`all ${writers} keys hold their last acknowledged value`);
  cluster.start(leader.node_id);
  await cluster.waitFor('the killed node to catch up', 30_000, async () => {
    const [back, ahead] = await Promise.all([
      cluster.status(leader.node_id),
      cluster.status(next.node_id),
    ]);
    const caughtUp = back !== undefined && ahead && back.applied_index >= ahead.commit_index;
    return caughtUp ? true : undefined;
  });
  say(`node ${leader.node_id} is back and has caught up`);
  await client.close();
  await cluster.stopAll();
  await delay(10);
  say(problems.length === 0 ? 'passed: three nodes stopped' : 'FAILED');
  return problems.length === 0 ? 0 : 1;
}
