import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Flags } from './flags.ts';
import type { SimulationReport } from './simulate.ts';

/** What one run came to, as it crosses from a child process to its parent. */
export type RunResult = {
  readonly seed: number;
  /** Of this process for the run: other programs on the machine hardly change it. */
  readonly cpuMs: number;
} & (
  | { readonly report: SimulationReport; readonly lastEvents: readonly string[] }
  | { readonly failure: string }
);

export function encodeResult(result: RunResult): string {
  return JSON.stringify(result);
}

export function decodeResult(line: string): RunResult {
  return JSON.parse(line) as RunResult;
}

export function hasFailed(result: RunResult): boolean {
  return 'failure' in result || result.report.violations.length > 0;
}

/** Shares the seeds out among child processes of `program`; a run is one thread's work. */
export async function runJobs(
  program: string,
  flags: Flags,
  onResult: (result: RunResult) => void,
): Promise<void> {
  const children: ChildProcess[] = [];
  const stopAll = (): void => {
    for (const child of children) child.kill();
  };
  const ends: Promise<void>[] = [];
  for (let job = 0; job < Math.min(flags.jobs, flags.runs); job++) {
    const child = spawn(process.execPath, [program, ...wordsOf(flags, job)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    let failed = false;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const result = decodeResult(line);
      onResult(result);
      if (!hasFailed(result)) return;
      failed = true;
      if (flags.stopAtFirst) stopAll();
    });
    ends.push(
      new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('close', (code, signal) => {
          // A promise that nobody handles ends Node with 1 too, and leaves runs out.
          if (code === 0 || (code === 1 && failed) || signal === 'SIGTERM') resolve();
          else reject(new Error(`job ${job} ended with ${signal ?? code}`));
        });
      }),
    );
  }
  await Promise.all(ends);
}

function wordsOf(flags: Flags, job: number): string[] {
  const share = Math.ceil((flags.runs - job) / flags.jobs);
  const runs = Number.isFinite(share) ? ['--runs', String(share)] : [];
  const nodes = flags.nodes === undefined ? [] : ['--nodes', String(flags.nodes)];
  const transport = flags.transport === undefined ? [] : ['--transport', flags.transport];
  const minutes = flags.minutes === undefined ? [] : ['--minutes', String(flags.minutes)];
  return [
    '--json',
    ...['--first', String(flags.first + job), '--stride', String(flags.jobs)],
    ...runs,
    ...minutes,
    ...['--duration-ms', String(flags.durationMs), '--preset', flags.preset],
    ...nodes,
    ...transport,
    ...(flags.stopAtFirst ? ['--stop-at-first'] : []),
  ];
}
