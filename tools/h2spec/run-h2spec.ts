import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildGoProgram } from '../go-program.ts';
import { collectOutput, startServerScript } from '../server-script.ts';
import { type H2specSummary, parseSummary } from './summary.ts';

/** The cases take about ten seconds; each one that hangs ends after two. */
const runMsMax = 150_000;

/**
 * Builds the h2spec that `tools/go.mod` of the repository at `root` pins, into `directory`.
 * Undefined: this machine has no Go, or cannot fetch it.
 */
export function buildH2spec(root: string, directory: string): string | undefined {
  const program = 'github.com/summerwind/h2spec/cmd/h2spec';
  return buildGoProgram(join(root, 'tools'), program, join(directory, 'h2spec'));
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
  const server = await startServerScript(root, script);
  try {
    const words = ['--strict', '-h', '127.0.0.1', '-p', `${server.port}`];
    const h2spec = spawn(binary, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: runMsMax });
    const said = collectOutput(h2spec);
    await new Promise((resolve, reject) => h2spec.once('error', reject).once('close', resolve));
    if (!server.isAlive) {
      throw new Error(`the server of ${script} did not survive:\n${server.output.text}`);
    }
    return parseSummary(said.text);
  } finally {
    server.kill();
  }
}
