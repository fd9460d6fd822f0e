import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Nodes that still run when this process ends, however it ends, would keep their ports. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** One node as an operating system process, its output collected. */
export class NodeProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  #output = '';
  readonly #child: ChildProcess;

  constructor(options: {
    readonly root: string;
    readonly configPath: string;
    readonly cwd: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly nodeArguments?: readonly string[] | undefined;
    /** A command that runs the node's own, in its place: the pid stays the node's. */
    readonly wrapper?: readonly string[] | undefined;
  }) {
    const cliPath = join(options.root, 'packages/d-engine/dist/cli.js');
    const before = options.nodeArguments ?? [];
    const words = [
      ...(options.wrapper ?? []),
      process.execPath,
      ...before,
      cliPath,
      'run',
      '--config',
      options.configPath,
    ];
    const child = spawn(words[0] as string, words.slice(1), {
      cwd: options.cwd,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid === undefined) throw new Error('the node did not start');
    this.#child = child;
    this.pid = child.pid;
    running.add(child);
    child.stdout.on('data', (chunk: Buffer) => this.#collect(chunk));
    child.stderr.on('data', (chunk: Buffer) => this.#collect(chunk));
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends the signal; the process may be gone already. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }

  #collect(chunk: Buffer): void {
    this.#output += chunk.toString('utf8');
  }
}
