import { fileURLToPath } from 'node:url';
import { describeError } from '@d-engine/base';
import type { Flags } from './flags.ts';
import { parseFlags } from './flags.ts';
import type { RunResult } from './jobs.ts';
import { encodeResult, runJobs } from './jobs.ts';
import { applyPreset, drawScenario } from './scenario.ts';
import { simulate } from './simulate.ts';
import { formatReport, Summary } from './summary.ts';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function runSeed(seed: number, flags: Flags): Promise<RunResult> {
  const scenario = applyPreset(drawScenario(seed), flags.preset);
  const onLine = flags.trace ? { onLine: print } : {};
  try {
    const { durationMs } = flags;
    return { seed, report: await simulate(seed, { durationMs, scenario, ...onLine }) };
  } catch (error) {
    const stack = error instanceof Error ? `\n${String(error.stack)}` : '';
    return { seed, failure: `${describeError(error)}${stack}` };
  }
}

/** One process, one run after the other. True when none failed. */
async function runHere(flags: Flags, onResult: (result: RunResult) => void): Promise<void> {
  const endAtMs = flags.minutes === undefined ? Infinity : Date.now() + flags.minutes * 60_000;
  const endless = flags.minutes !== undefined;
  const runs = flags.seed === undefined ? flags.runs : 1;
  for (let run = 0; (run < runs || endless) && Date.now() < endAtMs; run++) {
    const seed = flags.seed ?? flags.first + run * flags.stride;
    const result = await runSeed(seed, flags);
    onResult(result);
    const failed = 'failure' in result || result.report.violations.length > 0;
    if ((failed && flags.stopAtFirst) || flags.seed !== undefined) return;
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
  const onResult = (result: RunResult): void => {
    summary.add(result);
    if (flags.json) print(encodeResult(result));
    else if ('failure' in result) print(`seed ${result.seed}: the run failed: ${result.failure}`);
    else if (result.report.violations.length > 0 || flags.seed !== undefined) {
      print(formatReport(result.report, flags.preset));
    }
  };
  if (flags.jobs > 1 && flags.seed === undefined) {
    // The bundle that runs now: the children need no other build.
    await runJobs(fileURLToPath(import.meta.url), flags, onResult);
  } else await runHere(flags, onResult);
  if (!flags.json) for (const line of summary.lines()) print(line);
  return summary.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
