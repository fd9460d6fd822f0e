import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildH2spec, runH2spec } from './run-h2spec.ts';

const directory = mkdtempSync(join(tmpdir(), 'd-engine-h2spec-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const root = process.cwd();

test('our own server passes the whole specification, strictly', async ({ skip }) => {
  const binary = buildH2spec(root, directory);
  if (binary === undefined) return skip('not run: h2spec missing');
  const script = join(root, 'packages/wire/test/grpc/h2spec-server.ts');
  const { tests, passed, failures } = await runH2spec({ root, binary, script });
  expect(failures).toEqual([]);
  expect({ tests, passed }).toEqual({ tests: 146, passed: 146 });
});

test("the runner tells what Node's own server fails, and what it passes", async ({ skip }) => {
  const binary = buildH2spec(root, directory);
  if (binary === undefined) return skip('not run: h2spec missing');
  const script = join(import.meta.dirname, 'node-server.ts');
  const summary = await runH2spec({ root, binary, script });
  expect(summary.tests).toBe(146);
  expect(summary.passed).toBeGreaterThan(120);
  expect(summary.passed + summary.skipped + summary.failed).toBe(summary.tests);
  // Versions of Node differ in which ones; that none failed would be news.
  expect(summary.failed).toBeGreaterThan(0);
  expect(summary.failures).toHaveLength(summary.failed);
  expect(summary.failures.join('\n')).toMatch(/^5\.1\. Stream States, \d+: closed: /m);
});

test('a server that does not start is no summary', async () => {
  const script = join(directory, 'broken.ts');
  writeFileSync(script, "throw new Error('no port for you');\n");
  const started = runH2spec({ root, binary: join(directory, 'none'), script });
  await expect(started).rejects.toThrow(/ended before it listened.*no port for you/s);
});
