import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../../..');
const directory = mkdtempSync(join(tmpdir(), 'd-engine-histories-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const header = '{"format":"d-engine-history","version":1}';
const write =
  '{"client":"c1","key":"k","command":{"type":"put","value":"a"},"invokedAtMs":1,"settledAtMs":2,' +
  '"outcome":{"type":"answered","answer":{"type":"put","revision":7}}}';
const read = (value: string): string =>
  '{"client":"c2","key":"k","command":{"type":"read","consistency":"lease"},"invokedAtMs":3,' +
  `"settledAtMs":4,"outcome":{"type":"answered","answer":{"type":"read","value":${value}}}}`;

function file(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, lines.join('\n'));
  return path;
}

function check(...files: string[]): { status: number | null; stdout: string; stderr: string } {
  const words = ['run', '-s', 'check-history', '--', ...files];
  const { status, stdout, stderr } = spawnSync('npm', words, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('prints linearizable and exits 0', () => {
  const path = file('good.jsonl', [header, write, read('"a"'), '']);
  expect(check(path)).toEqual({ status: 0, stdout: 'linearizable\n', stderr: '' });
});

test('prints the offending part and exits 1', () => {
  const { status, stdout } = check(file('bad.jsonl', [header, write, read('null')]));
  expect(status).toBe(1);
  expect(stdout.split('\n')).toEqual([
    'not linearizable',
    'no order explains these operations on key "k":',
    '  c1  1.000..2.000  put "a": done at revision 7',
    '  c2  3.000..4.000  read (lease): saw nothing',
    '',
  ]);
});

test('reads logs of jepsen, several at once', () => {
  const folder = join(import.meta.dirname, 'jepsen');
  const { status, stdout } = check(join(folder, 'etcd_002.log'), join(folder, 'etcd_000.log'));
  expect(status).toBe(1);
  expect(stdout).toContain('etcd_002.log: linearizable\n');
  expect(stdout).toContain('etcd_000.log: not linearizable\n');
});

test.each([
  ['no file at all', undefined, 'usage: npm run -s check-history'],
  ['a missing file', 'nowhere.jsonl', 'ENOENT'],
  ['a text of another kind', ['hello'], 'neither a d-engine history nor a jepsen log'],
  ['a version of the future', ['{"format":"d-engine-history","version":2}'], 'line 1: version 2'],
  ['broken JSON', [header, write, '{'], 'line 3: this is no JSON'],
  ['a field of another type', [header, write.replace('"a"', '1')], 'line 2: "value" must be'],
  [
    'a TTL that is over before it begins',
    [header, write.replace('"value":"a"', '"value":"a","ttlMs":-1')],
    'line 2: "ttlMs" must not be negative',
  ],
  [
    'an answer to another question',
    [header, write.replace('{"type":"put","revision":7}', '{"type":"delete"}')],
    'line 2: a put cannot be answered with a delete',
  ],
  [
    'an answer before the call',
    [header, write.replace('"settledAtMs":2', '"settledAtMs":0')],
    'line 2: it is answered before it is called',
  ],
])('exits 2 for %s, and says where', (_, lines, message) => {
  const files =
    lines === undefined
      ? []
      : [typeof lines === 'string' ? join(directory, lines) : file('broken.jsonl', lines)];
  const { status, stdout, stderr } = check(...files);
  expect(stderr).toContain(message);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
});
