import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { CommandResult } from '../../../tools/cluster/run-command.ts';
import { runCommand } from '../../../tools/cluster/run-command.ts';
import { clientOf, repositoryRoot, startedCluster } from './support/cluster-kit.ts';

const extraConfig = `
[raft.persistence]
strategy = "MemFirst"
`;

/** Ten times the interval of the default policy. */
const flushedMs = 1_000;

function recover(cwd: string, ...words: readonly string[]): Promise<CommandResult> {
  return runCommand({ root: repositoryRoot, cwd }, 'recover', ...words);
}

test('a voter that is gone for good is given up by an operator, and no other way', async () => {
  const cluster = await startedCluster({ extraConfig });
  const { cluster_id: clusterId } = await cluster.waitUntilSettled();
  await clientOf(cluster).put('kept', 'on all disks');
  const accept = (id: number, ...words: readonly string[]): Promise<CommandResult> =>
    recover(cluster.directory, `db/${id}`, '--accept-data-loss', ...words);
  const running = await accept(1, '--without', '3', '--cluster', `${clusterId}`);
  expect([running.code, running.stderr]).toEqual([2, expect.stringContaining('is in use by')]);
  await delay(flushedMs);
  await cluster.killAll();

  const refused = [
    await accept(1),
    await accept(1, '--without', '3'),
    await accept(1, '--without', '3', '--cluster', 'f'.repeat(32)),
    await accept(1, '--without', '1', '--cluster', `${clusterId}`),
    await recover(cluster.directory, 'db/1', '--without', '3', '--cluster', `${clusterId}`),
    await recover(cluster.directory, 'config', '--accept-data-loss', '--without', '3'),
  ];
  expect(refused.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(refused.map(({ stderr }) => stderr).join('')).toMatch(
    /needs --accept-data-loss and --without.*nobody to ask.*is of cluster.*not gone.*holds no log/s,
  );

  for (const id of [1, 2]) {
    const done = await accept(id, '--without', '3', '--cluster', `${clusterId}`);
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toMatch(/last entry \d+ of term \d+, at least \d+ committed/);
    expect(done.stdout).toContain('noted for the next start of this node: voters 3');
  }
  for (const id of [1, 2]) cluster.start(id);
  const leader = await cluster.waitForLeader();
  const said = [1, 2].filter((id) => cluster.readLog(id).includes('POSSIBLE DATA LOSS'));
  expect(said).toEqual([leader.node_id]);
  const client = clientOf(cluster, 1, 2);
  expect(Buffer.from((await client.get('kept'))?.value ?? []).toString()).toBe('on all disks');
  await client.put('next', 'without 3');
  expect(Buffer.from((await client.get('next'))?.value ?? []).toString()).toBe('without 3');
});
