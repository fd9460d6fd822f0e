import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseFlags } from '../src/flags.ts';
import type { RunResult } from '../src/jobs.ts';
import { runJobs } from '../src/jobs.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'd-engine-jobs-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A job that is this text instead of the simulator. */
async function resultsOf(text: string): Promise<RunResult[]> {
  const program = join(directory, 'job.mjs');
  writeFileSync(program, text);
  const results: RunResult[] = [];
  await runJobs(program, parseFlags(['--jobs', '1']), (result) => results.push(result));
  return results;
}

const failed = `console.log(JSON.stringify({ seed: 1, cpuMs: 0, failure: 'why' }));`;

test('a job that found something ends with 1, as its parent will', async () => {
  expect(await resultsOf(`${failed} process.exitCode = 1;`)).toHaveLength(1);
});

test('a job that ends with 1 and told of no failure has broken', async () => {
  await expect(resultsOf('process.exitCode = 1;')).rejects.toThrow('job 0 ended with 1');
});
