import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Flags } from './flags.ts';
import { LastLines, tracedMember } from './last-lines.ts';
import type { SimulationReport } from './simulate.ts';

/** What one run came to, as it crosses from a child process to its parent. */
export type RunResult = {
  readonly seed: number;
  /** Of this process for the run: other programs on the machine hardly change it. */
  readonly cpuMs: number;
  /** Of each member, when something was wrong. */
  readonly lastEvents: readonly string[];
} & ({ readonly report: SimulationReport } | FailedHarness);

/** The run came to no end, which is no verdict on the members. */
export interface FailedHarness {
  readonly failure: string;
}

export function encodeResult(result: RunResult): string {
  return JSON.stringify(result);
}

export function decodeResult(line: string): RunResult {
  return JSON.parse(line) as RunResult;
}

export function hasFailed(result: RunResult): boolean {
  return 'failure' in result || result.report.violations.length > 0;
}

/**
 * A run is one thread's work, and makes and drops small objects all the time: helpers of the engine
 * would take a processor from the other jobs, and a wide nursery is collected less often. Together
 * a tenth faster.
 */
export const engineFlags: readonly string[] = ['--single-threaded', '--max-semi-space-size=64'];

/**
 * Shares the seeds out among child processes of `program`. A child that dies has failed in the run
 * that it was at, and its other runs are left out.
 */
export async function runJobs(
  program: string,
  flags: Flags,
  onResult: (result: RunResult) => void,
): Promise<void> {
  const children: ChildProcess[] = [];
  const onFailed = (): void => {
    if (flags.stopAtFirst) for (const child of children) child.kill();
  };
  const ends: Promise<void>[] = [];
  for (let job = 0; job < Math.min(flags.jobs, flags.runs); job++) {
    const child = spawn(process.execPath, [...engineFlags, program, ...wordsOf(flags, job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let seed = flags.first + job;
    let failed = false;
    let missing = flags.minutes === undefined ? shareOf(flags, job) : 0;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const result = decodeResult(line);
      seed = result.seed + flags.jobs;
      missing -= 1;
      onResult(result);
      if (!hasFailed(result)) return;
      failed = true;
      onFailed();
    });
    const end = new Promise<string | undefined>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        // Only this process may have stopped it: else its other runs would be missing unseen.
        const isAsAsked = child.killed || (code === 1 && failed) || (code === 0 && missing <= 0);
        resolve(isAsAsked ? undefined : `job ${job} ended with ${signal ?? code}`);
      });
    });
    ends.push(
      end.then(async (problem) => {
        if (problem === undefined) return;
        const { lastEvents, ended } = await traceAgain(program, flags, seed);
        const failure = `${problem}; run again, this seed ended with ${ended}`;
        onResult({ seed, cpuMs: 0, failure, lastEvents });
        onFailed();
      }),
    );
  }
  await Promise.all(ends);
}

/** Longer than any run takes. */
const traceLimitMs = 300_000;

/** In a process of its own: whatever ended the first one may end this one too. */
async function traceAgain(program: string, flags: Flags, seed: number) {
  const words = ['--json', '--seed', String(seed), '--trace', ...settingsWords(flags)];
  const child = spawn(process.execPath, [program, ...words], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: traceLimitMs,
  });
  const last = new LastLines();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const member = tracedMember(line);
    if (member !== undefined) last.add(line, member);
  });
  const ended = await new Promise<number | string | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  return { lastEvents: last.lines, ended };
}

/** How many of the runs are this job's. */
function shareOf(flags: Flags, job: number): number {
  return Math.ceil((flags.runs - job) / flags.jobs);
}

function wordsOf(flags: Flags, job: number): string[] {
  const share = shareOf(flags, job);
  const runs = Number.isFinite(share) ? ['--runs', String(share)] : [];
  const minutes = flags.minutes === undefined ? [] : ['--minutes', String(flags.minutes)];
  return [
    '--json',
    ...['--first', String(flags.first + job), '--stride', String(flags.jobs)],
    ...runs,
    ...minutes,
    ...settingsWords(flags),
    ...(flags.stopAtFirst ? ['--stop-at-first'] : []),
  ];
}

/** What a run depends on besides its seed. */
function settingsWords({ durationMs, preset, nodes, transport, strategy }: Flags): string[] {
  return [
    ...['--duration-ms', String(durationMs), '--preset', preset],
    ...(nodes === undefined ? [] : ['--nodes', String(nodes)]),
    ...(transport === undefined ? [] : ['--transport', transport]),
    ...(strategy === undefined ? [] : ['--strategy', strategy]),
  ];
}
