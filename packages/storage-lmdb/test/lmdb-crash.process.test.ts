import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyValueStateMachine } from 'd-engine/storage';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import { openLmdbStateMachine } from '../src/index.ts';
import { contextAt, entriesFrom } from './crash-entries.ts';

const rounds = scaled({ gate: 8, long: 300 });
const here = import.meta.dirname;

/** Beside the packages, so that LMDB is found. */
async function bundledChild(): Promise<string> {
  const folder = join(here, '../node_modules/.cache');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `crash-child-${process.pid}.mjs`);
  onTestFinished(() => rmSync(outfile, { force: true }));
  await build({
    entryPoints: [join(here, 'crash-child.ts')],
    alias: { 'd-engine/storage': join(here, '../../d-engine/src/storage.ts') },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['lmdb'],
  });
  return outfile;
}

/** Runs it until it has made some way, and kills it at a time of nobody's choosing. */
async function runAndKill(child: string, directory: string, delayMs: number): Promise<string[]> {
  const run = spawn(process.execPath, [child, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let isKilled = false;
  run.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (isKilled || !output.includes('durable')) return;
    isKilled = true;
    setTimeout(() => run.kill('SIGKILL'), delayMs);
  });
  await new Promise((resolve) => run.on('close', resolve));
  return output.split('\n');
}

function lastOf(lines: readonly string[], word: string): number {
  const last = lines.findLast((line) => line.startsWith(`${word} `));
  return last === undefined ? 0 : Number(last.slice(word.length + 1));
}

test('after a SIGKILL, LMDB has what was reported durable, and not more than the log', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'd-engine-lmdb-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const child = await bundledChild();
  const model = new KeyValueStateMachine({ readHistoryId: () => 'ab'.repeat(16) });
  for (let round = 0; round < rounds; round++) {
    const lines = await runAndKill(child, directory, 5 + ((round * 37) % 150));
    const machine = await openLmdbStateMachine(contextAt(directory, () => undefined));
    const { appliedIndex } = machine;
    expect(appliedIndex).toBeGreaterThanOrEqual(lastOf(lines, 'durable'));
    expect(appliedIndex).toBeLessThanOrEqual(lastOf(lines, 'log'));
    expect(appliedIndex).toBeGreaterThan(model.appliedIndex);
    model.apply(entriesFrom(model.appliedIndex + 1, appliedIndex - model.appliedIndex));
    expect(machine.stateHash()).toBe(model.stateHash());
    const keys = Array.from({ length: 500 }, (_, number) => Buffer.from(`key-${number}`));
    expect(machine.get(keys)).toEqual(model.get(keys));
    await machine.close();
  }
});
