import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StatusError } from '@d-engine/base';
import { afterAll, expect, test } from 'vitest';
import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import { realParts } from '../grpc/real-parts.ts';
import { socketByteNetwork } from '../http2/socket-byte-stream.ts';

// The server of nghttp2 knows no gRPC, but HTTP/2 as well as anybody: whatever it is asked, our
// channel has to get along with it, and to tell what came instead of an answer.

const directory = mkdtempSync(join(tmpdir(), 'd-engine-nghttpd-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

async function untilItListens(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('500 calls at a time and large requests, on one connection', async ({ skip }) => {
  if (spawnSync('nghttpd', ['--version']).error !== undefined) {
    return skip('not run: nghttpd missing (nghttp2-server)');
  }
  mkdirSync(join(directory, 'test.Service'));
  writeFileSync(join(directory, 'test.Service/File'), Buffer.alloc(2_000_000));
  const port = await freePort();
  const server = spawn('nghttpd', ['--no-tls', '-a', '127.0.0.1', '-d', directory, `${port}`]);
  const network = new GrpcNetwork(realParts, socketByteNetwork);
  try {
    await untilItListens(port);
    const channel = network.connect(`127.0.0.1:${port}`);
    const ask = (method: string, bytes: number): Promise<string> =>
      channel.call(`test.Service/${method}`, Buffer.alloc(bytes), { deadlineMs: 30_000 }).then(
        () => 'answered',
        (error: unknown) =>
          error instanceof StatusError ? `${error.status}: ${error.message}` : String(error),
      );
    const missing = 'unimplemented: the peer answered with HTTP status 404';
    // What is no gRPC is reset at its first header; nghttp2 takes a thousand resets for a flood.
    const outcomes = await Promise.all(
      Array.from({ length: 500 }, (_, at) => ask(`Missing${at % 7}`, at)),
    );
    expect(outcomes.filter((outcome) => !outcome.startsWith(missing))).toEqual([]);
    expect(await ask('Missing', 3_000_000)).toContain(missing);
    // More than a window comes, and none of it is wanted.
    expect(await ask('File', 0)).toContain('the peer answered with HTTP status 200');
    expect(await ask('Missing', 0)).toContain(missing);
    expect(channel.connectionNumber).toBe(1);
  } finally {
    await network.close();
    server.kill('SIGKILL');
  }
});
