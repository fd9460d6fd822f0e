import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import { gzipSync } from 'node:zlib';
import { StatusError } from '@d-engine/base';
import { afterEach, describe, expect, test } from 'vitest';
import { GrpcNetwork } from '../../src/grpc/grpc-network.ts';
import { socketByteNetwork } from '../http2/socket-byte-stream.ts';
import { Recorder, TestService } from './grpc-kit.ts';
import { realParts } from './real-parts.ts';

// Over real sockets against the HTTP/2 of Node, which is nghttp2's.

const deadlineMs = 20_000;
const echo = 'test.Service/Echo';
const networks: GrpcNetwork[] = [];
const servers: Http2Server[] = [];
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const network of networks.splice(0)) await network.close();
  for (const server of servers.splice(0)) server.close();
});

function makeNetwork(): GrpcNetwork {
  const isStream = (method: string): boolean => method.includes('/Stream');
  const requestBytesMax = (): number => 8 * 1024 * 1024;
  const network = new GrpcNetwork(realParts, socketByteNetwork, { isStream, requestBytesMax });
  networks.push(network);
  return network;
}

function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

describe('our channel and a server of Node', () => {
  async function start(
    onStream: (stream: ServerHttp2Stream, path: string) => void,
  ): Promise<string> {
    const server = createServer({ settings: { maxConcurrentStreams: 50 } });
    servers.push(server);
    server.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      onStream(stream, String(headers[':path']));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const bound = server.address();
    return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  }

  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  function answer(stream: ServerHttp2Stream, body: Buffer, more: object = {}): void {
    stream.respond({ ...headers, ...more }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-end': 'e' }));
    stream.end(body);
  }

  function echoing(stream: ServerHttp2Stream): void {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => answer(stream, Buffer.concat(chunks), { 'x-head': 'h' }));
  }

  test('1,000 calls at a time, of which the server takes 50', async () => {
    const channel = makeNetwork().connect(await start(echoing));
    const calls = Array.from({ length: 1_000 }, (_, at) =>
      channel.call(echo, Buffer.from(`call ${at}`), { deadlineMs }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ message }) => Buffer.from(message).toString())).toEqual(
      calls.map((_, at) => `call ${at}`),
    );
    expect(answers[0]?.metadata).toEqual({ 'x-head': 'h', 'x-end': 'e' });
  });

  test('a message of 4 MiB both ways', async () => {
    const channel = makeNetwork().connect(await start(echoing));
    const request = Buffer.alloc(4 * 1024 * 1024, 5);
    const { message } = await channel.call(echo, request, { deadlineMs });
    expect(request.equals(message)).toBe(true);
  });

  test('a packed answer, a failure in one block, and one that is no gRPC', async () => {
    const address = await start((stream, path) => {
      if (path.endsWith('Packed')) {
        answer(stream, framed(gzipSync('packed'), 1), { 'grpc-encoding': 'gzip' });
      } else if (path.endsWith('Fail')) {
        const failure = { 'grpc-status': '5', 'grpc-message': 'n%C3%B6' };
        stream.respond({ ...headers, ...failure }, { endStream: true });
      } else stream.respond({ ':status': 503 }, { endStream: true });
    });
    const channel = makeNetwork().connect(address);
    const call = (method: string): Promise<unknown> =>
      channel.call(method, Buffer.alloc(1), { deadlineMs }).then(
        ({ message }) => Buffer.from(message).toString(),
        (error: unknown) => (error instanceof StatusError ? [error.status, error.message] : error),
      );
    expect(await call('test.Service/Packed')).toBe('packed');
    expect(await call('test.Service/Fail')).toEqual(['notFound', 'nö']);
    expect(await call('test.Service/Else')).toEqual([
      ...['unavailable', 'the peer answered with HTTP status 503 and undefined'],
    ]);
  });

  test('a stream, and a server that goes away while calls are under way', async () => {
    const address = await start((stream, path) => {
      if (path.endsWith('StreamEcho')) {
        stream.respond(headers, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.pipe(stream);
      } else setTimeout(() => answer(stream, framed(Buffer.from('late'))), 50);
    });
    const channel = makeNetwork().connect(address);
    const recorder = new Recorder();
    const stream = channel.openStream('test.Service/StreamEcho', recorder);
    for (let at = 0; at < 200; at++) stream.send(Buffer.alloc(at * 50, at));
    stream.end();
    while (recorder.closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(recorder.closes).toEqual([undefined]);
    expect(recorder.messages.map(({ length }) => length)).toEqual(
      Array.from({ length: 200 }, (_, at) => at * 50),
    );
    const late = channel.call('test.Service/Late', Buffer.alloc(1), { deadlineMs });
    servers[0]?.close();
    expect(Buffer.from((await late).message).toString()).toBe('late');
  });
});

describe('a client of Node and our server', () => {
  async function call(session: ClientHttp2Session, parts: readonly Buffer[]): Promise<Buffer> {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': `/${echo}`, 'content-type': 'application/grpc' },
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let trailers: Record<string, unknown> = {};
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('trailers', (got: Record<string, unknown>) => {
      trailers = got;
    });
    for (const part of parts) stream.write(part);
    stream.end();
    await once(stream, 'close');
    expect(trailers['grpc-status']).toBe('0');
    return Buffer.concat(chunks);
  }

  test.each([
    [1_000, 256],
    [20, 300_000],
    [3, 4 * 1024 * 1024],
  ])('%i calls at a time of %i bytes, with small windows', async (count, size) => {
    const listener = await makeNetwork().listen('127.0.0.1:0', new TestService());
    const session = connect(`http://${listener.address}`);
    sessions.push(session);
    const bodies = await Promise.all(
      Array.from({ length: count }, (_, at) => {
        const request = framed(Buffer.alloc(size, at));
        return call(session, [request.subarray(0, 3), request.subarray(3)]);
      }),
    );
    expect(bodies.every((body, at) => body.equals(framed(Buffer.alloc(size, at))))).toBe(true);
    expect(listener.heldBytes).toEqual({ requests: 0, answers: 0 });
  });

  test('learns by GOAWAY that the server goes, and finishes what it has', async () => {
    const service = new TestService();
    const listener = await makeNetwork().listen('127.0.0.1:0', service);
    const session = connect(`http://${listener.address}`);
    sessions.push(session);
    await call(session, [framed(Buffer.from('x'))]);
    const gone = once(session, 'goaway');
    const closed = listener.close(5_000);
    expect((await gone)[0]).toBe(0);
    await closed;
  });
});
