import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from '../../../tools/cluster/free-ports.ts';

const folder = join(import.meta.dirname, '..');

/** Runs the program to its wait, then ends it as Ctrl-C does; returns what it printed. */
async function run(dataDir: string): Promise<string[]> {
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, ['../../tools/run-ts.mjs', 'src/main.ts'], {
    cwd: folder,
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      RAFT__CLUSTER__LISTEN_ADDRESS: `127.0.0.1:${port}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.startsWith('Application started.')) child.kill('SIGINT');
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  return lines;
}

test('the program prints what the guide says, and goes on where it was', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'quick-start-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const first = await run(dataDir);
  expect(first.map((line) => line.replace(/revision \d+/, 'revision N'))).toEqual([
    'workflow:status = running (revision N)',
    'task:1 = step 1 done (revision N)',
    'task:2 = step 2 done (revision N)',
    'task:3 = step 3 done (revision N)',
    'Application started. Waiting for CTRL+C signal...',
    'Exiting program.',
  ]);
  const revisions = [first, await run(dataDir)].map((lines) =>
    Number(/revision (\d+)/.exec(lines[0] ?? '')?.[1]),
  );
  expect(revisions[1]).toBeGreaterThan((revisions[0] ?? 0) + 3);
});
