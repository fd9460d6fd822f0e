import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** The example's folder, in which the guide is typed. */
export const directory: string = join(import.meta.dirname, '..');

/** As a new terminal has it: nothing of a `make` above the test, no settings of nodes. */
const environment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(MAKE|MFLAGS|RAFT__|LOG_|METRICS_PORT|CONFIG_PATH)/.test(name),
  ),
);

export interface Typed {
  readonly code: number;
  /** What stood on the terminal, errors included. */
  readonly output: string;
}

/** Types one line of the guide and waits for the prompt. */
export function type(line: string): Promise<Typed> {
  return run('sh', ['-c', `{ ${line}\n} 2>&1`]);
}

/** A program without a shell, whose command line would hold the same words. */
export function run(program: string, words: readonly string[]): Promise<Typed> {
  return new Promise((resolve) => {
    const options = { cwd: directory, env: environment, encoding: 'utf8' } as const;
    const child = execFile(program, words, options, (_error, output) => {
      resolve({ code: child.exitCode ?? -1, output });
    });
  });
}

/** A line typed in a terminal of its own: it stays in the foreground there. */
export class Terminal {
  readonly line: string;
  #output = '';
  readonly #child: ChildProcess;
  /** Its exit code is make's, which after a Ctrl-C says nothing of what it ran. */
  readonly exited: Promise<void>;

  constructor(line: string) {
    this.line = line;
    this.#child = spawn('sh', ['-c', `exec 2>&1\nexec env ${line}`], {
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
      // A process group of its own, as a terminal makes one for each job.
      detached: true,
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString('utf8');
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('close', () => resolve());
    });
  }

  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ctrl-C: the signal goes to all of the job. */
  interrupt(): void {
    if (this.isRunning && this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGINT');
  }

  async until(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const what = `${pattern} in the output of ${this.line}`;
    return eventually(what, timeoutMs, () => pattern.exec(this.#output) ?? undefined).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${this.#output}`);
      },
    );
  }
}

/** Asks until there is an answer. */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await delay(50);
  }
}

const kept = join(directory, 'target/kept-by-test');

/** Puts data and logs of whoever works with this example aside; the test begins with none. */
export function putAside(): void {
  for (const name of ['db', 'logs']) {
    const from = join(directory, name);
    if (!existsSync(from)) continue;
    mkdirSync(kept, { recursive: true });
    // What a broken run left behind must not take the place of what was there before it.
    if (existsSync(join(kept, name))) rmSync(from, { recursive: true });
    else renameSync(from, join(kept, name));
  }
}

export function putBack(): void {
  for (const name of ['db', 'logs']) {
    rmSync(join(directory, name), { recursive: true, force: true });
    if (existsSync(join(kept, name))) renameSync(join(kept, name), join(directory, name));
  }
  rmSync(kept, { recursive: true, force: true });
}
