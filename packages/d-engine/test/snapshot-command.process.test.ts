import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clientOf, startedCluster } from './support/cluster-kit.ts';
import { NodeFolder } from './support/node-folder.ts';

interface Found {
  readonly folder: NodeFolder;
  readonly config: string;
}

/** A node that ran with three keys, whose state is in `saved`; it is stopped by now. */
async function saved(): Promise<Found> {
  const folder = await NodeFolder.create();
  const config = folder.config({}, 'config/n1.toml');
  const node = await folder.start(config);
  for (const key of ['a', 'b', 'c']) {
    await folder.run('put', key, `value of ${key}`, '--endpoints', folder.address);
  }
  const done = await folder.run('snapshot', 'save', 'saved', '--endpoints', folder.address);
  expect(done).toMatchObject({ code: 0, stderr: '' });
  expect(done.stdout).toMatch(
    /^saved: saved\nentry \d+ of term \d+, cluster [0-9a-f]{32}\n3 keys, /,
  );
  await node.end('SIGTERM');
  return { folder, config };
}

function statusOf(text: string): { readonly cluster_id: string } {
  const { clusterId } = JSON.parse(text) as { clusterId: string };
  return { cluster_id: clusterId };
}

describe('d-engine snapshot', () => {
  test('what is saved becomes a new cluster with the same keys and higher revisions', async () => {
    const { folder } = await saved();
    const whole = await folder.run('snapshot', 'verify', 'saved');
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    const config = folder.config({ more: 'db_root_dir = "restored/1"' }, 'config/new.toml');
    const restored = await folder.run('snapshot', 'restore', 'saved', '--config', config);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(join(folder.path, 'restored'))).toEqual(['1']);
    await folder.start(config);
    const endpoint = ['--endpoints', folder.address];
    expect((await folder.run('get', 'b', ...endpoint)).stdout).toBe('value of b\n');
    const put = await folder.run('put', 'd', 'new', ...endpoint);
    const { revision } = JSON.parse(put.stdout) as { revision: number };
    expect(revision).toBeGreaterThan(1_000_000_000);
    const status = statusOf((await folder.run('status', ...endpoint)).stdout);
    const before = /cluster ([0-9a-f]{32})\n/.exec(whole.stdout)?.[1];
    expect(status.cluster_id).not.toBe(before);
    expect(restored.stdout).toContain(`cluster ${status.cluster_id}, with node 1`);
  });

  test('a directory that holds something is left alone, with exit code 2', async () => {
    const { folder, config } = await saved();
    const before = readdirSync(join(folder.path, 'db/1'));
    const refused = await folder.run('snapshot', 'restore', 'saved', '--config', config);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('is not empty: move it away first');
    expect(readdirSync(join(folder.path, 'db/1'))).toEqual(before);
    const neither = await folder.run('snapshot', 'restore', 'saved');
    expect(neither).toMatchObject({ code: 2 });
    expect(neither.stderr).toContain('either --config');
    const again = await folder.run('snapshot', 'save', 'saved', '--endpoints', folder.address);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('it is there already');
  });

  test('a damaged file makes no directory; one that nobody answers for makes no file', async () => {
    const { folder } = await saved();
    const path = join(folder.path, 'saved');
    const bytes = readFileSync(path);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] as number) ^ 1;
    writeFileSync(path, bytes);
    for (const command of [['verify'], ['restore', '--data-dir', 'restored']]) {
      const found = await folder.run('snapshot', ...command, 'saved');
      expect(found.code).toBe(1);
      expect(found.stderr).toMatch(/saved is damaged at byte \d+/);
    }
    expect(existsSync(join(folder.path, 'restored'))).toBe(false);
    const nobody = await folder.run('snapshot', 'save', 'other', '--endpoints', folder.address);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain(folder.address);
    expect(readdirSync(folder.path).filter((name) => name.startsWith('other'))).toEqual([]);
  });
});

test('a follower saves all that was acknowledged before, while writes go on', async () => {
  const cluster = await startedCluster();
  const leader = (await cluster.waitUntilSettled()).node_id;
  const writer = clientOf(cluster);
  let count = 0;
  let isOver = false;
  const writing = (async () => {
    for (; !isOver; count++) await writer.put(`key-${count}`, 'x'.repeat(100));
  })();
  const follower = cluster.ids.find((id) => id !== leader) as number;
  await cluster.waitFor('writes', 20_000, () => (count > 200 ? true : undefined));
  const acknowledged = count;
  const saving = clientOf(cluster, follower);
  const parts: Uint8Array[] = [];
  for await (const part of saving.snapshot()) parts.push(part);
  isOver = true;
  await writing;
  const folder = await NodeFolder.create();
  writeFileSync(join(folder.path, 'saved'), Buffer.concat(parts));
  const whole = await folder.run('snapshot', 'verify', 'saved');
  const keys = Number(/\n(\d+) keys, /.exec(whole.stdout)?.[1]);
  expect(keys).toBeGreaterThanOrEqual(acknowledged);
});
