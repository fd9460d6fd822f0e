import { fileURLToPath } from 'node:url';
import { describeError } from '@d-engine/base';
import type { Flags } from './flags.ts';
import { parseFlags } from './flags.ts';
import type { RunResult } from './jobs.ts';
import { encodeResult, hasFailed, runJobs } from './jobs.ts';
import { runSeed } from './run-seed.ts';
import { fingerprintProblem, formatResult, Summary } from './summary.ts';

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

async function main(): Promise<number> {
  let flags: Flags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`simulate: ${describeError(error)}\n`);
    return 2;
  }
  const summary = new Summary();
  const problems: string[] = [];
  const onResult = (result: RunResult): void => {
    summary.add(result);
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
  if (!flags.json) for (const line of [...problems, ...summary.lines()]) print(line);
  return summary.failed === 0 && problems.length === 0 ? 0 : 1;
}

process.exitCode = await main();
