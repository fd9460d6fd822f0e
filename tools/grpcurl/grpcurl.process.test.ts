import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { buildGoProgram } from '../go-program.ts';

// What people have at hand, against the port of a whole node.

const root = process.cwd();
const directory = mkdtempSync(join(tmpdir(), 'd-engine-grpcurl-'));
let cluster: LocalCluster;

beforeAll(async () => {
  spawnSync(process.execPath, ['tools/build.mjs', '--if-stale'], { cwd: root });
  cluster = await LocalCluster.create({ root, size: 1 });
  cluster.startAll();
  await cluster.waitUntilSettled();
});

afterAll(async () => {
  await cluster.dispose();
  rmSync(directory, { recursive: true, force: true });
});

function run(command: string, words: readonly string[]): { out: string; code: number | null } {
  const { stdout, stderr, status } = spawnSync(command, words, {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { out: stdout + stderr, code: status };
}

describe('grpcurl, which knows no proto file', () => {
  const binary = buildGoProgram(
    join(root, 'tools'),
    'github.com/fullstorydev/grpcurl/cmd/grpcurl',
    join(directory, 'grpcurl'),
  );
  const grpcurl = (...words: string[]): { out: string; code: number | null } =>
    run(binary ?? '', ['-plaintext', ...words]);
  const client = 'd_engine.client.RaftClientService';

  test('lists and describes the services', ({ skip }) => {
    if (binary === undefined) return skip('not run: go missing');
    const [address = ''] = cluster.endpoints;
    expect(grpcurl(address, 'list').out.split('\n')).toEqual(
      expect.arrayContaining([client, 'grpc.health.v1.Health']),
    );
    expect(grpcurl(address, 'describe', client).out).toContain(
      'rpc HandleClientWrite ( .d_engine.client.ClientWriteRequest )',
    );
    const message = grpcurl(address, 'describe', 'd_engine.client.WriteCommand').out;
    expect(message).toMatch(/oneof operation \{\s+\.d_engine\.client\.WriteCommand\.Insert insert/);
    expect(message).toContain('optional bytes expected_value = 2;');
  });

  test('writes and reads a key', ({ skip }) => {
    if (binary === undefined) return skip('not run: go missing');
    const [address = ''] = cluster.endpoints;
    // "k" and "value" in base64.
    const put = JSON.stringify({ command: { insert: { key: 'aw==', value: 'dmFsdWU=' } } });
    expect(grpcurl('-d', put, address, `${client}/HandleClientWrite`)).toMatchObject({
      ...{ code: 0, out: expect.stringContaining('"succeeded": true') as string },
    });
    const get = JSON.stringify({ keys: ['aw=='], consistencyPolicy: 'LINEARIZABLE_READ' });
    expect(grpcurl('-d', get, address, `${client}/HandleClientRead`).out).toContain(
      '"value": "dmFsdWU="',
    );
    const health = grpcurl(address, 'grpc.health.v1.Health/Check');
    expect(health.out).toContain('"status": "SERVING"');
  });

  test('shows an error with its details', ({ skip }) => {
    if (binary === undefined) return skip('not run: go missing');
    const [address = ''] = cluster.endpoints;
    const key = Buffer.alloc(70_000).toString('base64');
    const put = JSON.stringify({ command: { insert: { key, value: '' } } });
    const words = ['-plaintext', '-d', '@', address, `${client}/HandleClientWrite`];
    const { stderr } = spawnSync(binary, words, { input: put, encoding: 'utf8' });
    expect(stderr).toContain('Code: InvalidArgument');
    expect(stderr).toContain('type.googleapis.com/google.rpc.ErrorInfo');
  });
});

describe('curl', () => {
  const isThere = spawnSync('curl', ['--version']).error === undefined;
  const format = ['-s', '-m', '20', '-w', '\n%{http_version} %{http_code}'];

  test('speaks HTTP/1.1, and HTTP/2 with prior knowledge, on the same port', ({ skip }) => {
    if (!isThere) return skip('not run: curl missing');
    const [address = ''] = cluster.endpoints;
    const http1 = run('curl', [...format, `http://${address}/status`]);
    expect(http1.out).toMatch(/"role": ?"leader"[\s\S]*\n1\.1 200$/);
    const http2 = run('curl', [...format, '--http2-prior-knowledge', `http://${address}/status`]);
    expect(http2.out).toMatch(/this port speaks gRPC over HTTP\/2[\s\S]*\n2 415$/);
    const call = [
      ...['--http2-prior-knowledge', '-H', 'content-type: application/grpc', '-H', 'te: trailers'],
      ...['--data-binary', '@-', '-D', '-', '-o', join(directory, 'answer')],
    ];
    const { stdout } = spawnSync(
      'curl',
      [...format, ...call, `http://${address}/grpc.health.v1.Health/Check`],
      { input: Buffer.alloc(5), encoding: 'utf8', timeout: 30_000 },
    );
    expect(stdout).toMatch(/content-type: application\/grpc[\s\S]*grpc-status: 0[\s\S]*2 200$/);
  });
});
