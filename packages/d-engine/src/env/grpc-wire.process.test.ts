import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { http2Preface } from '@d-engine/wire';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type Bench,
  delay,
  portOf,
  startBench,
  startProxy,
  TestService,
  testNetwork,
} from './test/network-kit.ts';

// What strangers may send: other gRPC stacks, browsers, port scanners.

const benches: Bench[] = [];
const bench = async (...args: Parameters<typeof startBench>): Promise<Bench> => {
  const started = await startBench(...args);
  benches.push(started);
  return started;
};
afterEach(async () => {
  for (const { network } of benches.splice(0)) await network.close();
});

interface Outcome {
  readonly headers: Record<string, unknown>;
  readonly trailers: Record<string, unknown>;
  readonly body: Buffer;
}

/** A request by Node's own HTTP/2 client. */
async function request(
  address: string,
  headers: Readonly<Record<string, string | undefined>>,
  body: readonly Uint8Array[],
): Promise<Outcome> {
  const session: ClientHttp2Session = connectHttp2(`http://${address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/test.Service/Echo',
    'content-type': 'application/grpc',
    ...headers,
  });
  const outcome = { headers: {}, trailers: {}, body: Buffer.alloc(0) };
  stream.on('response', (got) => Object.assign(outcome.headers, got));
  stream.on('trailers', (got: object) => Object.assign(outcome.trailers, got));
  stream.on('data', (chunk: Buffer) => {
    outcome.body = Buffer.concat([outcome.body, chunk]);
  });
  for (const chunk of body) stream.write(chunk);
  stream.end();
  await once(stream, 'close');
  session.close();
  return outcome;
}

function frame(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe('gRPC by the letter', () => {
  test('an answer has the content type, the status as a trailer, and the message', async () => {
    const { listener } = await bench();
    const { headers, trailers, body } = await request(listener.address, {}, [
      frame(Buffer.from('hi')),
    ]);
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'application/grpc' });
    expect(trailers).toMatchObject({ 'grpc-status': '0' });
    expect(body).toEqual(frame(Buffer.from('hi')));
  });

  test('a request may come byte by byte', async () => {
    const { listener } = await bench();
    const bytes = frame(Buffer.from('slowly'));
    const parts = Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
    expect((await request(listener.address, {}, parts)).body).toEqual(bytes);
  });

  test('a gzip request is understood; its answer is not compressed', async () => {
    const { listener } = await bench();
    const packed = frame(gzipSync(Buffer.from('packed')), 1);
    const { body } = await request(listener.address, { 'grpc-encoding': 'gzip' }, [packed]);
    expect(body).toEqual(frame(Buffer.from('packed')));
  });

  test.each([
    ['a zip bomb', { 'grpc-encoding': 'gzip' }, frame(gzipSync(Buffer.alloc(20_000)), 1), '8'],
    ['broken gzip', { 'grpc-encoding': 'gzip' }, frame(Buffer.from('no gzip'), 1), '13'],
    ['an unknown encoding', { 'grpc-encoding': 'zstd' }, frame(Buffer.from('x'), 1), '12'],
    ['compressed without an encoding', {}, frame(Buffer.from('x'), 1), '13'],
    ['an unknown flag', {}, frame(Buffer.from('x'), 2), '13'],
    ['too large a prefix', {}, Buffer.from([0, 255, 255, 255, 255]), '8'],
    ['a message that was cut off', {}, frame(Buffer.from('abc')).subarray(0, 6), '13'],
    ['no message', {}, Buffer.alloc(0), '13'],
    ['two messages', {}, Buffer.concat([frame(Buffer.from('a')), frame(Buffer.from('b'))]), '13'],
    ['a malformed timeout', { 'grpc-timeout': '1 s' }, frame(Buffer.from('x')), '3'],
    ['too much metadata', { 'x-much': 'x'.repeat(20_000) }, frame(Buffer.from('x')), '8'],
  ])('%s is refused with a status', async (_, headers, body, status) => {
    const { listener, service } = await bench({ requestBytesMax: () => 10_000 });
    const outcome = await request(listener.address, headers, [body]);
    expect(outcome.headers).toMatchObject({ ':status': 200, 'grpc-status': status });
    expect(service.calls).toHaveLength(0);
  });

  test.each(['text/plain', 'application/grpc-web', 'application/grpc+json', 'application/json'])(
    'content type %s is answered 415',
    async (type) => {
      const { listener } = await bench();
      const outcome = await request(listener.address, { 'content-type': type }, []);
      expect(outcome.headers[':status']).toBe(415);
    },
  );

  test.each(['application/grpc', 'application/grpc+proto', 'application/grpc; charset=utf-8'])(
    'content type %s is taken',
    async (type) => {
      const { listener } = await bench();
      const outcome = await request(listener.address, { 'content-type': type }, [
        frame(Buffer.from('x')),
      ]);
      expect(outcome.trailers['grpc-status']).toBe('0');
    },
  );

  test('a caller that cancels is no error to anybody', async () => {
    const { listener, service } = await bench();
    const session = connectHttp2(`http://${listener.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/test.Service/Never',
      'content-type': 'application/grpc',
    });
    stream.end(frame(Buffer.from('x')));
    while (service.calls.length === 0) await delay(5);
    stream.close(constants.NGHTTP2_CANCEL);
    await delay(30);
    service.calls[0]?.reply(Buffer.from('nobody waits'));
    session.close();
  });
});

describe('one port', () => {
  test('a preface may arrive in two parts, cut at any byte', { timeout: 60_000 }, async () => {
    const { network, listener } = await bench();
    for (let splitAt = 1; splitAt <= http2Preface.length + 16; splitAt++) {
      const proxy = await startProxy(listener.address, splitAt);
      const channel = network.connect(proxy.address);
      const request = Buffer.alloc(100_000, splitAt);
      const answer = await channel.call('test.Service/Echo', request, { deadlineMs: 5_000 });
      expect(request.equals(answer.message), `cut at byte ${splitAt}`).toBe(true);
      channel.close();
      proxy.close();
    }
  });

  test('HTTP/1.1 is handed to the hook with all its bytes, beside HTTP/2', async () => {
    const network = testNetwork();
    const http = createHttpServer((incoming, answer) => answer.end(`you asked ${incoming.url}`));
    const listener = await network.listen('127.0.0.1:0', new TestService(), {
      http1: (socket) => http.emit('connection', socket),
    });
    const channel = network.connect(listener.address);
    const grpc = channel.call('test.Service/Echo', Buffer.from('x'), { deadlineMs: 5_000 });
    const plain = await fetch(`http://${listener.address}/live`);
    expect(await plain.text()).toBe('you asked /live');
    expect((await grpc).message).toHaveLength(1);
    const socket = connectSocket(portOf(listener.address), '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
    });
    socket.write('G');
    await delay(20);
    socket.write('ET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
    while (!received.includes('asked /b')) await delay(5);
    expect(received).toContain('asked /a');
    socket.destroy();
    http.closeAllConnections();
    await network.close();
  });

  test('garbage gets the answer of an HTTP/1.1 parser', async () => {
    const network = testNetwork();
    const http = createHttpServer();
    const listener = await network.listen('127.0.0.1:0', new TestService(), {
      http1: (socket) => http.emit('connection', socket),
    });
    const socket = connectSocket(portOf(listener.address), '127.0.0.1');
    socket.write(Buffer.from([0x16, 3, 1, 2, 0]));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 400/);
    socket.destroy();
    await network.close();
  });

  test('without a hook whoever speaks no HTTP/2 is dropped', async () => {
    const { listener } = await bench();
    const socket = connectSocket(portOf(listener.address), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
  });

  test('whoever says nothing is dropped in time; broken frames harm nobody else', async () => {
    const { network, listener } = await bench({ sniffTimeoutMs: 80 });
    const silent = connectSocket(portOf(listener.address), '127.0.0.1');
    silent.write(http2Preface.slice(0, 10));
    const broken = connectSocket(portOf(listener.address), '127.0.0.1');
    for (const socket of [silent, broken]) socket.on('error', () => undefined).resume();
    broken.write(`${http2Preface}this is no frame, is it? no, it is not a frame`);
    await Promise.all([once(silent, 'close'), once(broken, 'close')]);
    const channel = network.connect(listener.address);
    await channel.call('test.Service/Echo', Buffer.from('x'), { deadlineMs: 5_000 });
  });
});
