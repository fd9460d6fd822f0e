import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** Runs `d-engine ARGUMENTS` to its end; one that does not end in time is killed. */
export function runCommand(
  options: {
    readonly root: string;
    readonly cwd: string;
    readonly environment?: Readonly<Record<string, string>> | undefined;
    readonly timeoutMs?: number | undefined;
  },
  ...args: readonly string[]
): Promise<CommandResult> {
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [join(options.root, 'packages/d-engine/dist/cli.js'), ...args],
    {
      cwd: options.cwd,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 30_000,
      killSignal: 'SIGKILL',
    },
  );
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, ...output, tookMs: performance.now() - startedMs });
    });
  });
}
