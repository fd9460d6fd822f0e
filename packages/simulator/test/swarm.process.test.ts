import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scaled, testScale } from '../../../tools/test-scale.ts';
import { buildSimulator } from '../planted/build-with-bug.ts';
import { parseFlags } from '../src/flags.ts';
import { hasFailed, runJobs } from '../src/jobs.ts';
import type { Demands } from '../src/summary.ts';
import { formatResult, Summary } from '../src/summary.ts';

const root = join(import.meta.dirname, '../../..');
const timeout = 3_600_000;
const directory = mkdtempSync(join(tmpdir(), 'd-engine-swarm-'));
const program = join(directory, 'simulator.mjs');
beforeAll(() => buildSimulator(root, program, undefined));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Runs the swarm as the command does, on two processors where there are two. */
async function expectCleanSwarm(...words: readonly string[]): Promise<Summary> {
  const jobs = Math.min(2, availableParallelism());
  const flags = parseFlags([...words, '--jobs', `${jobs}`]);
  const summary = new Summary();
  const failed: string[] = [];
  let runs = 0;
  await runJobs(program, flags, (result) => {
    runs += 1;
    summary.add(result);
    if (hasFailed(result)) failed.push(`FAILED ${formatResult(result, flags)}`);
  });
  const line = '!'.repeat(80);
  for (const told of failed) process.stdout.write(`\n${line}\n${told}\n${line}\n`);
  expect(failed).toEqual([]);
  expect(runs).toBeGreaterThan(0);
  return summary;
}

/**
 * Ninety runs are too few for the limits of `--strict`: chance alone takes what happens in 7% of
 * all runs below 5% of them one time in five. That it does not happen at all is chance one time in
 * 500; else a kind of event has become rare. So it is with thin runs, of which there are some 7%.
 */
const gateDemands: Demands = { runsPercentMin: 1, thinPercentMax: 16 };

test('the swarm is not thin, over fixed seeds', { timeout }, async () => {
  const runs = scaled({ gate: 90, long: 400 });
  const summary = await expectCleanSwarm('--first', '50000', '--runs', `${runs}`);
  expect(summary.shortcomings(gateDemands)).toEqual([]);
});

test('fresh seeds', { timeout }, async () => {
  const first = Math.floor(Math.random() * 1e9);
  process.stdout.write(`fresh seeds from ${first} on (${testScale})\n`);
  const limit = scaled({ gate: ['--minutes', '1'], long: ['--runs', '1000'] });
  const summary = await expectCleanSwarm('--first', `${first}`, ...limit);
  for (const line of summary.lines().slice(-2)) process.stdout.write(`${line}\n`);
});
