import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type H2specSummary, parseSummary } from './summary.ts';

/** Starting a script means bundling it first. */
const startMsMax = 30_000;
/** The cases take about ten seconds; each one that hangs ends after two. */
const runMsMax = 150_000;

/**
 * Builds the h2spec that `tools/go.mod` of the repository at `root` pins, into `directory`.
 * Undefined: this machine has no Go, or cannot fetch it.
 */
export function buildH2spec(root: string, directory: string): string | undefined {
  const binary = join(directory, 'h2spec');
  const { error, status, stderr } = spawnSync(
    'go',
    ['build', '-o', binary, 'github.com/summerwind/h2spec/cmd/h2spec'],
    { cwd: join(root, 'tools'), encoding: 'utf8' },
  );
  if (error !== undefined) return undefined;
  if (status !== 0 && /dial tcp|no such host|i\/o timeout|connection refused/.test(stderr)) {
    return undefined;
  }
  if (status !== 0) throw new Error(`h2spec does not build:\n${stderr}`);
  return binary;
}

/**
 * Starts the server of `script`, which has to print `port N` once it listens there on the
 * loopback, and holds it against the specification, strictly.
 */
export async function runH2spec(options: {
  readonly root: string;
  readonly binary: string;
  readonly script: string;
}): Promise<H2specSummary> {
  const { root, binary, script } = options;
  const server = spawn(process.execPath, [join(root, 'tools/run-ts.mjs'), script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = collect(server);
  try {
    const port = await portOf(server, output);
    const words = ['--strict', '-h', '127.0.0.1', '-p', `${port}`];
    const h2spec = spawn(binary, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: runMsMax });
    const said = collect(h2spec);
    await new Promise((resolve, reject) => h2spec.once('error', reject).once('close', resolve));
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`the server of ${script} did not survive:\n${output.text}`);
    }
    return parseSummary(said.text);
  } finally {
    server.kill('SIGKILL');
  }
}

/** Everything that the process has printed so far. */
function collect(child: ChildProcess): { text: string } {
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
