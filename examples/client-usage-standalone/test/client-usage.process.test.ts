import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedEngine } from 'd-engine';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';

const folder = join(import.meta.dirname, '..');

function client(...args: readonly string[]): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    const command = ['../../tools/run-ts.mjs', 'src/main.ts', ...args];
    execFile(process.execPath, command, { cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: (stdout + stderr).trim() });
    });
  });
}

test('the command line does what its table says', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'client-usage-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const [port] = await freePorts(1);
  const environment = { RAFT__CLUSTER__LISTEN_ADDRESS: `127.0.0.1:${port}` };
  const engine = await EmbeddedEngine.start({ dataDir, environment });
  onTestFinished(() => engine.stop());
  const said = async (command: string): Promise<string> => {
    const endpoints = `http://127.0.0.1:${port}`;
    return (await client('--endpoints', endpoints, ...command.split(' '))).output;
  };
  expect(await said('put counter 1')).toMatch(/^revision \d+$/);
  for (const get of ['get', 'sget', 'lget']) expect(await said(`${get} counter`)).toBe('1');
  expect(await said('cas counter 1 18446744073709551615')).toBe('swapped');
  expect(await said('cas counter 1 2')).toBe('not swapped, it is 18446744073709551615');
  expect(await said('delete counter')).toMatch(/^deleted, revision \d+$/);
  expect(await said('delete counter')).toBe('absent');
  expect(await said('cas counter none 7')).toBe('swapped');
  expect(await said('get other')).toBe('absent');
  const wrong = await client('put', 'counter', 'x');
  expect(wrong).toEqual({ code: 2, output: expect.stringContaining('usage: client') as string });
});
