import { spawnSync } from 'node:child_process';

/**
 * Builds a program of the Go module in `module` into the file `binary`; what it needs is pinned
 * there. Undefined: this machine has no Go, or cannot fetch the sources.
 */
export function buildGoProgram(
  module: string,
  program: string,
  binary: string,
): string | undefined {
  const words = ['build', '-o', binary, program];
  const { error, status, stderr } = spawnSync('go', words, { cwd: module, encoding: 'utf8' });
  if (error !== undefined) return undefined;
  if (status !== 0 && /dial tcp|no such host|i\/o timeout|connection refused/.test(stderr)) {
    return undefined;
  }
  if (status !== 0) throw new Error(`${program} does not build:\n${stderr}`);
  return binary;
}
