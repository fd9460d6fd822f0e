import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

test('the program prints each instance that comes, moves and goes', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'registry-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['../../tools/run-ts.mjs', 'src/main.ts'],
    { cwd: join(import.meta.dirname, '..'), env: { ...process.env, DATA_DIR: dataDir } },
  );
  expect(stdout.trim().split('\n')).toEqual([
    'watching, 0 instances',
    '+ node1 at 192.168.1.10:8080, before nothing',
    '+ node2 at 192.168.1.11:8080, before nothing',
    '+ node1 at 192.168.1.20:8080, before 192.168.1.10:8080',
    '- node2',
  ]);
});
