import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { RunResult } from '../src/jobs.ts';
import { decodeResult, engineFlags, hasFailed } from '../src/jobs.ts';
import type { CheckName } from '../src/violation.ts';
import type { PlantedBug } from './planted-bug.ts';
import { markLineOf, markWords } from './planted-bug.ts';

/** How a search through the seeds of the default swarm ended. */
export interface Search {
  readonly runs: number;
  /** The first run in which something was wrong. */
  readonly failed: FailedRun | undefined;
  /** The changed line ran in the run that failed or, when none did, in any. */
  readonly wasReached: boolean;
  /** The exit code of the process. */
  readonly exitCode: number;
  /** What the process wrote besides its results. */
  readonly rest: string;
}

export interface FailedRun {
  readonly seed: number;
  /** The check that saw it first; undefined: the run itself broke. */
  readonly check: CheckName | undefined;
  readonly text: string;
}

/** Whether it was the bug that was seen, by a check that belongs to it. */
export function isSeenRightly(bug: PlantedBug, { failed, wasReached }: Search): boolean {
  if (!wasReached || failed?.check === undefined) return false;
  if (!bug.foundBy.includes(failed.check)) return false;
  if (failed.check !== 'no member dies') return true;
  return bug.assertions?.some((says) => failed.text.includes(says)) === true;
}

/** Runs a bundle of the simulator from seed `first` on until something is wrong. */
export async function searchSeeds(program: string, first: number, runs: number): Promise<Search> {
  const flags = ['--first', `${first}`, '--runs', `${runs}`, '--stop-at-first', '--json'];
  const child = spawn(process.execPath, [...engineFlags, program, ...flags]);
  const closed = once(child, 'close');
  const [told, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await closed) as [number | null];
  const lines = told.split('\n');
  const results = lines.filter((line) => line.startsWith('{')).map(decodeResult);
  const failed = results.find(hasFailed);
  return {
    runs: results.length,
    failed: failed === undefined ? undefined : describe(failed),
    wasReached:
      failed === undefined
        ? lines.some((line) => line.startsWith(markWords))
        : lines.includes(markLineOf(failed.seed)),
    exitCode: status ?? -1,
    rest: lines.filter(isRest).join('\n') + complaints,
  };
}

function isRest(line: string): boolean {
  return !line.startsWith('{') && !line.startsWith(markWords);
}

function describe(result: RunResult): FailedRun {
  const { seed } = result;
  if ('failure' in result) return { seed, check: undefined, text: result.failure };
  const first = result.report.violations[0];
  return { seed, check: first?.check, text: first?.text ?? '' };
}
