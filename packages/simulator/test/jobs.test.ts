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
async function resultsOf(text: string, ...words: readonly string[]): Promise<RunResult[]> {
  const program = join(directory, 'job.mjs');
  writeFileSync(program, text);
  const results: RunResult[] = [];
  await runJobs(program, parseFlags(words), (result) => results.push(result));
  return results;
}

const failed = `console.log(
  JSON.stringify({ seed: 1, cpuMs: 0, failure: 'why', lastEvents: [] }),
);`;

test('a job that found something ends with 1, as its parent will', async () => {
  expect(await resultsOf(`${failed} process.exitCode = 1;`)).toHaveLength(1);
});

test('a job that somebody else stops, or that ends too early, has lost a run', async () => {
  for (const [text, how] of [
    ["process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000);", 'SIGTERM'],
    ['', '0'],
  ] as const) {
    const results = await resultsOf(text, '--first', '40');
    const failure = expect.stringMatching(`^job 0 ended with ${how};`) as string;
    expect(results).toMatchObject([{ seed: 40, failure }]);
  }
});

test('a job that ends with 1 and told of no failure failed in the run that it was at', async () => {
  const results = await resultsOf('process.exitCode = 1;', '--first', '40');
  expect(results).toMatchObject([
    { seed: 40, failure: 'job 0 ended with 1; run again, this seed ended with 1' },
  ]);
});

test('a job that dies tells its seed and, run again, the last events of each member', async () => {
  const dying = `
    const words = process.argv;
    const seed = words[words.indexOf('--seed') + 1];
    if (words.includes('--trace')) {
      console.log('1.000 n2 info the only line of a member of seed ' + seed);
      console.log('1.500  fault kill, victim n2');
      console.log('    no line of a trace');
    } else {
      const report = { violations: [] };
      console.log(JSON.stringify({ seed: 41, cpuMs: 0, report, lastEvents: [] }));
    }
    process.kill(process.pid, 'SIGKILL');`;
  const flags = ['--first', '41', '--runs', '6', '--jobs', '2'];
  // Both jobs are this text; the other one tells of a seed that it was not asked for.
  const results = await resultsOf(dying, ...flags);
  const failures = results.filter((each) => 'failure' in each);
  expect(failures).toHaveLength(2);
  expect(failures[0]).toMatchObject({
    seed: 43,
    failure: expect.stringMatching(/^job \d ended with SIGKILL; .* ended with SIGKILL$/) as string,
    lastEvents: [
      'faults:',
      '  1.500  fault kill, victim n2',
      'n2:',
      '  1.000 n2 info the only line of a member of seed 43',
    ],
  });
});
