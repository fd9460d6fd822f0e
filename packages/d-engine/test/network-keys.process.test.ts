import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Server, Socket } from 'node:net';
import type { Plane, Service } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { http2Preface, isStreamMethod, methods } from '@d-engine/wire';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadText } from '../src/config/test-support.ts';
import { createClientEnv, type RealNetwork } from '../src/env/index.ts';
import { networkOptions } from '../src/network-settings.ts';
import { frameOf, HeardFrames, settingsOf } from './support/raw-http2.ts';

// Each key of [network.*], from the file to what a stranger at the other end of the socket sees.

const networks: RealNetwork[] = [];
const servers: Server[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  for (const network of networks.splice(0)) await network.close();
});

const planes: readonly [Plane, number][] = [
  ['control', 1],
  ['data', 2],
  ['bulk', 3],
];

/** Times leave room for each other; the rest is what no default is. */
const keys = `
connect_timeout_in_ms = 300
request_timeout_in_ms = 600
concurrency_limit = 1
max_concurrent_streams = 7
tcp_keepalive_in_secs = 77
http2_keep_alive_interval_in_secs = 2
http2_keep_alive_timeout_in_secs = 1
max_frame_size = 20000
connection_window_size = 300000
stream_window_size = 100000
adaptive_window = false
`;

function networkOf(plane: Plane, toml = keys, shared = ''): RealNetwork {
  const { config } = loadText(`[network]\n${shared}\n[network.${plane}]\n${toml}`);
  const { network } = createClientEnv(networkOptions(config));
  networks.push(network);
  return network;
}

async function listen(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  return `127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
}

/** Of a call that failed. */
function statusOf(error: unknown): string {
  return error instanceof StatusError ? error.status : 'no status';
}

const nobody = {
  onCall: () => undefined,
  onStream: () => ({ onMessage: () => undefined, onClose: () => undefined }),
};
const nothing = { onMessage: () => undefined, onClose: () => undefined };

/** A caller that says what it is for and then nothing. */
async function callOf(network: RealNetwork, purpose: number): Promise<HeardFrames> {
  const { address } = await network.listen('127.0.0.1:0', nobody);
  const socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]) });
  sockets.push(socket);
  const heard = new HeardFrames(socket);
  const settings = purpose === 0 ? [] : [[0xde01, purpose] as const];
  socket.write(Buffer.concat([Buffer.from(http2Preface), settingsOf(settings)]));
  return heard;
}

describe.each(planes)('[network.%s], where the connection is taken', (plane, purpose) => {
  test('streams, windows and frames are those of the file', async () => {
    const heard = await callOf(networkOf(plane), purpose);
    const settings = await heard.settings();
    expect([settings.get(3), settings.get(4), settings.get(5)]).toEqual([7, 100_000, 20_000]);
    expect(await heard.windowUpdate()).toBe(300_000 - 65_535);
  });

  test('a silent caller is asked after the interval, and dropped after the timeout', async () => {
    const heard = await callOf(networkOf(plane), purpose);
    const startedMs = performance.now();
    await heard.ping();
    expect(performance.now() - startedMs).toBeGreaterThan(1_500);
    await heard.closed;
    expect(performance.now() - startedMs).toBeGreaterThan(2_400);
  });

  test('TCP is told of keep-alive and delay', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const noDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    const heard = await callOf(networkOf(plane, keys, 'tcp_nodelay = false'), purpose);
    await heard.settings();
    expect(keepAlive).toHaveBeenCalledWith(true, 77_000);
    expect(noDelay).toHaveBeenCalledWith(false);
  });
});

test('a client that names no plane gets the settings of clients', async () => {
  const heard = await callOf(networkOf('data'), 0);
  const settings = await heard.settings();
  expect([settings.get(3), settings.get(4), settings.get(5)]).toEqual([1_024, 8_388_608, 16_384]);
});

describe.each(planes)('[network.%s], where the connection is made', (plane, purpose) => {
  test('the plane is named; windows, frames, TCP and delay are those of the file', async () => {
    const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive');
    const noDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    const heard = new Promise<HeardFrames>((resolve) => {
      listen((socket) => resolve(new HeardFrames(socket, http2Preface.length)))
        .then((address) => {
          const network = networkOf(plane, keys, 'tcp_nodelay = false');
          network.connect(address, { plane }).openStream('test.Service/Stream', nothing);
        })
        .catch(() => undefined);
    });
    const settings = await (await heard).settings();
    expect([settings.get(0xde01), settings.get(4), settings.get(5)]).toEqual([
      purpose,
      100_000,
      20_000,
    ]);
    expect(await (await heard).windowUpdate()).toBe(300_000 - 65_535);
    expect(keepAlive).toHaveBeenCalledWith(true, 77_000);
    expect(noDelay).toHaveBeenCalledWith(false);
  });

  test('a server that is silent is given up after connect_timeout, later each time', async () => {
    const address = await listen(() => undefined);
    const channel = networkOf(plane).connect(address, { plane });
    const call = () => channel.call('test.Service/Call', Buffer.alloc(1), { deadlineMs: 9_000 });
    await expect(call()).rejects.toThrow('no answer within 300 ms');
    await expect(call()).rejects.toThrow('no answer within 1200 ms');
  });

  test('a call ends at request_timeout; concurrency_limit makes the next one wait', async () => {
    const heads: number[] = [];
    const address = await listen((socket) => {
      const heard = new HeardFrames(socket, http2Preface.length, ({ type, streamId }) => {
        if (type === 1) heads.push(streamId);
      });
      socket.write(settingsOf([]));
      sockets.push(heard.socket);
    });
    const channel = networkOf(plane).connect(address, { plane });
    const call = () => channel.call('test.Service/Call', Buffer.alloc(1), { deadlineMs: 9_000 });
    const startedMs = performance.now();
    const [first, second] = [call(), call()].map((outcome) => outcome.catch(statusOf));
    await vi.waitUntil(() => heads.length > 0, { timeout: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(heads).toEqual([1]);
    expect(await first).toBe('deadlineExceeded');
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(await second).toBe('deadlineExceeded');
  });

  test('a silent peer is asked after the interval, and given up after the timeout', async () => {
    let heard: HeardFrames | undefined;
    const address = await listen((socket) => {
      heard = new HeardFrames(socket, http2Preface.length);
      socket.write(settingsOf([]));
    });
    const channel = networkOf(
      plane,
      keys.replace('request_timeout_in_ms = 600', 'request_timeout_in_ms = 0'),
    ).connect(address, { plane });
    const closed = new Promise((resolve) => {
      channel.openStream('test.Service/Stream', { onMessage: () => undefined, onClose: resolve });
    });
    const startedMs = performance.now();
    await vi.waitUntil(() => heard !== undefined, { timeout: 5_000 });
    await heard?.ping();
    await closed;
    expect(performance.now() - startedMs).toBeGreaterThan(2_400);
  });
});

test.each([
  [true, 1],
  [false, 0],
])('adaptive_window = %s measures the link or does not', async (isAdaptive, pings) => {
  const toml = `adaptive_window = ${isAdaptive}\nrequest_timeout_in_ms = 0\n`;
  const network = networkOf('data', toml);
  let heard: HeardFrames | undefined;
  const address = await listen((socket) => {
    heard = new HeardFrames(socket, http2Preface.length, ({ type, streamId }) => {
      if (type !== 1) return;
      // ":status: 200" of the static table, and "content-type: application/grpc" spelled out.
      const type31 = Buffer.concat([Buffer.from([0x0f, 16, 16]), Buffer.from('application/grpc')]);
      socket.write(frameOf(1, 4, streamId, Buffer.concat([Buffer.from([0x88]), type31])));
      const message = Buffer.alloc(10_005);
      message.writeUInt32BE(10_000, 1);
      socket.write(frameOf(0, 0, streamId, message));
    });
    socket.write(settingsOf([]));
  });
  const messages: number[] = [];
  network.connect(address, { plane: 'data' }).openStream('test.Service/Stream', {
    onMessage: (message) => messages.push(message.length),
    onClose: () => undefined,
  });
  await vi.waitUntil(() => messages.length === 1, { timeout: 5_000 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(heard?.pings).toBe(pings);
});

test('buffer_size is what a stream to a peer holds before its sender has to pause', () => {
  const { config } = loadText('[network]\nbuffer_size = 131072\n');
  const { grpc } = networkOptions(config);
  for (const plane of ['control', 'data', 'bulk'] as const) {
    expect(grpc?.planes?.[plane]?.http2.tuning?.sendBufferBytes).toBe(131_072);
  }
});

describe('[raft.rpc_compression]', () => {
  const kinds = [
    ['replication_response', methods.peerData],
    ['election_response', methods.peerControl],
    ['snapshot_response', methods.peerBulk],
    ['cluster_response', methods.clusterMetadata],
    ['client_response', methods.clientRead],
  ] as const;

  test.each(kinds)('%s packs the answers of its service alone', async (key, method) => {
    const toml = `[raft.rpc_compression]\n${kinds
      .map(([name]) => `${name} = ${name === key}`)
      .join('\n')}\n`;
    const { network } = createClientEnv(networkOptions(loadText(toml).config));
    networks.push(network);
    const { address } = await network.listen('127.0.0.1:0', largeAnswers);
    const packed = await Promise.all(kinds.map(([, each]) => isPacked(address, each)));
    expect(packed).toEqual(kinds.map(([, each]) => each === method));
  });
});

/** Answers everything with so much that packing it pays. */
const largeAnswers: Service = {
  onCall: (call) => call.reply(Buffer.alloc(10_000)),
  onStream: (stream) => {
    stream.send(Buffer.alloc(10_000));
    return nothing;
  },
};

/** Asks as a caller that takes gzip: whether the first message of the answer is packed. */
async function isPacked(address: string, method: string): Promise<boolean> {
  const session = connectHttp2(`http://${address}`);
  const request = session.request({
    ':method': 'POST',
    ':path': `/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-accept-encoding': 'gzip',
  });
  request.on('error', () => undefined);
  request.write(Buffer.alloc(5));
  if (!isStreamMethod(method)) request.end();
  const [first] = (await once(request, 'data')) as [Buffer];
  session.destroy();
  return first[0] === 1;
}
