import { fileURLToPath } from 'node:url';
import { describeError } from '@d-engine/base';
import type { Flags } from './flags.ts';
import { parseFlags, usage } from './flags.ts';
import type { RunResult } from './jobs.ts';
import { encodeResult, hasFailed, runJobs } from './jobs.ts';
import { runSeed } from './run-seed.ts';
import { fingerprintProblem, formatResult, Summary } from './summary.ts';

// Whoever reads has seen enough: `--trace | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** One process, one run after the other. */
async function runHere(flags: Flags, onResult: (result: RunResult) => void): Promise<void> {
  const endAtMs = flags.minutes === undefined ? Infinity : Date.now() + flags.minutes * 60_000;
  const runs = flags.seed === undefined ? flags.runs : 1;
  for (let run = 0; run < runs && Date.now() < endAtMs; run++) {
    const seed = flags.seed ?? flags.first + run * flags.stride;
    const result = await runSeed(seed, flags, flags.trace ? print : undefined);
    onResult(result);
    if ((hasFailed(result) && flags.stopAtFirst) || flags.seed !== undefined) return;
  }
}

/** So often a long search says that it goes on. */
const progressRuns = 200;

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    print(usage);
    return 0;
  }
  let flags: Flags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`simulate: ${describeError(error)}\n`);
    return 2;
  }
  const summary = new Summary();
  const problems: string[] = [];
  let runs = 0;
  process.once('SIGINT', () => {
    if (!flags.json) for (const line of ['interrupted', ...summary.lines()]) print(line);
    process.exit(130);
  });
  const onResult = (result: RunResult): void => {
    summary.add(result);
    runs += 1;
    if (!flags.json && runs % progressRuns === 0) {
      process.stderr.write(`simulate: ${runs} runs, ${summary.failed} failed\n`);
    }
    const { fingerprint } = flags;
    const other = fingerprint === undefined ? undefined : fingerprintProblem(result, fingerprint);
    if (other !== undefined) problems.push(other);
    if (flags.json) print(encodeResult(result));
    else if (hasFailed(result) || flags.seed !== undefined) print(formatResult(result, flags));
  };
  if (flags.seed === undefined && !flags.json && !flags.trace) {
    // One job too has a process of its own: should it die, somebody is left to say in which run.
    // It runs the bundle that runs now, so it needs no other build.
    await runJobs(fileURLToPath(import.meta.url), flags, onResult);
  } else await runHere(flags, onResult);
  if (flags.strict) problems.push(...summary.shortcomings().map((text) => `NOT ENOUGH: ${text}`));
  // A single run was told in full, and how fast it went would differ from one time to the next.
  const lines = flags.seed === undefined ? summary.lines() : summary.lines().slice(-1);
  if (flags.seed === undefined) lines.unshift(`seeds from ${flags.first} on`);
  if (!flags.json) for (const line of [...problems, ...lines]) print(line);
  return summary.failed === 0 && problems.length === 0 ? 0 : 1;
}

process.exitCode = await main();
