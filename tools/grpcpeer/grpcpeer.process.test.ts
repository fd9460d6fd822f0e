import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildGoProgram } from '../go-program.ts';
import { startServerScript } from '../server-script.ts';

const directory = mkdtempSync(join(tmpdir(), 'd-engine-grpcpeer-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const root = process.cwd();
const checks = 17;

test("Go's gRPC client gets on with our server, in all kinds of calls", async ({ skip }) => {
  const binary = buildGoProgram(import.meta.dirname, '.', join(directory, 'grpcpeer'));
  if (binary === undefined) return skip('not run: go missing');
  const server = await startServerScript(root, 'packages/wire/test/grpc/four-kinds-server.ts');
  try {
    const address = `127.0.0.1:${server.port}`;
    const { stdout } = spawnSync(binary, [address], { encoding: 'utf8', timeout: 120_000 });
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([]);
    expect(lines).toHaveLength(checks);
    expect(server.isAlive).toBe(true);
  } finally {
    server.kill();
  }
});
