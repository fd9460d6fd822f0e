import { createHash } from 'node:crypto';
import { openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NodeFolder } from './support/node-folder.ts';

/** Names, lengths, times and contents of all that is in a directory. */
function stateOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { size, mtimeMs } = statSync(path);
      const isFile = statSync(path).isFile();
      const hash = isFile ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
      return `${name} ${size} ${mtimeMs} ${hash}`;
    });
}

async function stoppedNode(): Promise<{ folder: NodeFolder; data: string }> {
  const folder = await NodeFolder.create();
  const node = await folder.start(folder.config({}, 'config/n1.toml'));
  for (const key of ['a', 'b', 'c']) {
    const put = await folder.run('put', key, 'x'.repeat(300), '--endpoints', folder.address);
    expect(put.code).toBe(0);
  }
  const refused = await folder.run('log', 'verify', 'db/1');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/is in use by process \d+/);
  await node.end('SIGTERM');
  return { folder, data: join(folder.path, 'db/1') };
}

describe('d-engine log', () => {
  test('shows and verifies the log of a stopped node, and changes nothing', async () => {
    const { folder, data } = await stoppedNode();
    const before = stateOf(data);
    const shown = await folder.run('log', 'inspect', 'db/1');
    expect(shown.stdout).toMatch(/^node 1, instance [0-9a-f]{32}, start 1\nlog db\/1\/log\n/);
    expect(shown.stdout).toMatch(/entries 1 to \d+; committed up to \d+ at least\nterm \d+ from/);
    const whole = await folder.run('log', 'verify', 'db/1');
    expect(whole.stdout).toMatch(/^whole: entries 1 to \d+ \(1 files, \d+ bytes\)\n$/);
    expect([shown.code, whole.code]).toEqual([0, 0]);
    const asJson = await folder.run('log', 'verify', 'db/1', '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ identity: { nodeId: 1 }, lastIndex: 5 });
    expect(stateOf(data)).toEqual(before);
  });

  test('exits 1 for damage, with file, byte and advice', async () => {
    const { folder, data } = await stoppedNode();
    const segment = join(data, 'log/00000000000000000001.segment');
    const byte = readFileSync(segment).indexOf('xxxxx');
    writeSync(openSync(segment, 'r+'), Buffer.from('y'), 0, 1, byte);
    const found = await folder.run('log', 'verify', 'db/1');
    expect(found.code).toBe(1);
    expect(found.stderr).toMatch(/0001\.segment is damaged at byte \d+: .*keep a copy/);
    const asJson = await folder.run('log', 'verify', 'db/1', '--json');
    const { error } = JSON.parse(asJson.stdout) as { error: { damage: { offset: number } } };
    expect(error.damage).toMatchObject({ file: 'db/1/log/00000000000000000001.segment' });
    expect(error.damage.offset).toBeLessThan(byte);
    expect(asJson.code).toBe(1);
  });

  test('exits 2 for what is no data directory', async () => {
    const folder = await NodeFolder.create();
    for (const path of ['config', 'nowhere', folder.config()]) {
      const result = await folder.run('log', 'verify', path);
      expect(result.code, result.stderr).toBe(2);
      expect(result.stderr).toMatch(/^d-engine: /);
      const asJson = await folder.run('log', 'inspect', path, '--json');
      expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { damage: null } });
    }
  });
});
