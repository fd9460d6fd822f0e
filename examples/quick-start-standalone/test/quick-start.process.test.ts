import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedEngine } from 'd-engine';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';

const folder = join(import.meta.dirname, '..');

test('the program writes by a member that does not lead, and all members have it', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quick-start-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const members = (await freePorts(3)).map((port, at) => ({
    id: at + 1,
    address: `127.0.0.1:${port}`,
    role: 1,
    status: 2,
  }));
  const engines = await Promise.all(
    members.map(({ id, address }) => {
      const place = { db_root_dir: join(data, `${id}`), log_dir: join(data, 'logs') };
      const names = { node_id: id, listen_address: address, initial_cluster: members };
      const config = { cluster: { ...names, ...place } };
      return EmbeddedEngine.start({ config, environment: {} });
    }),
  );
  onTestFinished(async () => {
    await Promise.all(engines.map((engine) => engine.stop()));
  });
  const leaders = await Promise.all(engines.map((engine) => engine.waitReady()));
  const leader = leaders[0];
  const addresses = members.map(({ address }) => address);
  const sorted = [...addresses].sort((one) => (one === leader?.address ? 1 : -1));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['../../tools/run-ts.mjs', 'src/main.ts'],
    { cwd: folder, env: { ...process.env, ENDPOINTS: sorted.join(',') } },
  );
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toBe(`${sorted[0]} says that node ${leader?.id} leads, at ${leader?.address}`);
  const revision = /^written at revision (\d+)$/.exec(lines[1] ?? '')?.[1];
  const held = sorted.map((address) => `${address} holds hello, revision ${revision}`);
  expect(lines.slice(2)).toEqual(held);
});
