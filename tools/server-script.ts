import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** Starting a script means bundling it first. */
const startMsMax = 30_000;

/** A server of ours in a process of its own, for a foreign client to be held against. */
export interface ServerScript {
  readonly port: number;
  /** Everything that it has printed so far. */
  readonly output: { readonly text: string };
  readonly isAlive: boolean;
  kill(): void;
}

/** Starts a script, which has to print `port N` once it listens there on the loopback. */
export async function startServerScript(root: string, script: string): Promise<ServerScript> {
  const server = spawn(process.execPath, [join(root, 'tools/run-ts.mjs'), script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collectOutput(server);
  try {
    const port = await portOf(server, output);
    return {
      port,
      output,
      get isAlive() {
        return server.exitCode === null && server.signalCode === null;
      },
      kill: () => void server.kill('SIGKILL'),
    };
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
}

/** Everything that the process has printed so far. */
export function collectOutput(child: ChildProcess): { readonly text: string } {
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output.text += text;
    });
  }
  return output;
}

function portOf(server: ChildProcess, output: { readonly text: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('names no port'), startMsMax);
    const fail = (what: string): void => {
      clearTimeout(timer);
      reject(new Error(`the server ${what}:\n${output.text}`));
    };
    server.once('error', reject).once('close', () => fail('ended before it listened'));
    server.stdout?.on('data', () => {
      const port = /^port (\d+)$/m.exec(output.text)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}
