import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface GoPrograms {
  readonly etcd: string;
  readonly generator: string;
}

/** Builds what is written in Go, as pinned; undefined where there is no Go. */
export function buildGoPrograms(root: string): GoPrograms | undefined {
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  const directory = join(root, 'node_modules/.cache/d-engine-go');
  mkdirSync(directory, { recursive: true });
  const etcd = join(directory, 'etcd');
  const generator = join(directory, 'loadgen');
  build(join(root, 'tools'), etcd, 'go.etcd.io/etcd/server/v3');
  build(join(root, 'tools/loadgen'), generator, '.');
  return { etcd, generator };
}

function build(cwd: string, output: string, program: string): void {
  const { status, stderr, error } = spawnSync('go', ['build', '-o', output, program], {
    cwd,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`go build ${program}: ${error?.message ?? stderr}`);
}
