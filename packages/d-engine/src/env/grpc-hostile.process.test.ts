import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { IncomingCall, Service } from '@d-engine/base';
import type { GrpcListener, NetworkOptions } from '@d-engine/wire';
import { afterEach, expect, test } from 'vitest';
import type { RealNetwork } from './real-network.ts';
import { delay, portOf, TestService, testNetwork } from './test/network-kit.ts';

// What one client can make the server hold, and what others notice of it.

const mebibyte = 1024 * 1024;
const bigBytes = 3 * mebibyte;
const deadlineMs = 20_000;
const echo = 'test.Service/Echo';
const big = 'test.Service/Big';

/** Echoes; `Big` is answered with a largest value of its own memory. */
class BigService extends TestService implements Service {
  override onCall(call: IncomingCall): void {
    if (call.method === big) call.reply(Buffer.alloc(bigBytes, 1));
    else super.onCall(call);
  }
}

interface Site {
  readonly network: RealNetwork;
  readonly listener: GrpcListener;
}

const networks: RealNetwork[] = [];
const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  for (const network of networks.splice(0)) await network.close();
});

async function startSite(options: NetworkOptions = {}): Promise<Site> {
  const network = testNetwork(options);
  networks.push(network);
  return { network, listener: await network.listen('127.0.0.1:0', new BigService()) };
}

/** A client that never opens a window for answers. */
function hostile(site: Site): ClientHttp2Session {
  const session = connect(`http://${site.listener.address}`, {
    settings: { initialWindowSize: 0 },
  });
  session.on('error', () => undefined);
  sessions.push(session);
  return session;
}

interface Asked {
  readonly stream: ClientHttp2Stream;
  status: unknown;
}

function ask(session: ClientHttp2Session, method: string): Asked {
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${method}`,
    'content-type': 'application/grpc',
  });
  const asked: Asked = { stream, status: undefined };
  stream.on('error', () => undefined);
  stream.on('response', (headers) => {
    asked.status = headers['grpc-status'] ?? 'answered';
  });
  return asked;
}

const emptyRequest = Buffer.alloc(5);

/** A prefix that promises `bytes`, and half of them. */
function halfRequest(bytes: number): Buffer {
  const half = Buffer.alloc(5 + bytes / 2);
  half.writeUInt32BE(bytes, 1);
  return half;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

async function honestCalls(site: Site, count: number): Promise<void> {
  const channel = site.network.connect(site.listener.address);
  for (let round = 0; round < count; round++) {
    const sent = Buffer.alloc(bigBytes, round);
    const answer = await channel.call(echo, sent, { deadlineMs });
    expect(sent.equals(answer.message)).toBe(true);
  }
  channel.close();
}

const nothingHeld = { requests: 0, answers: 0 };
const arrayBuffers = (): number => process.memoryUsage().arrayBuffers;

test('600 answers that nobody reads: a bounded part is held, others are served', async () => {
  const site = await startSite();
  const session = hostile(site);
  await once(session, 'remoteSettings');
  const before = arrayBuffers();
  const asked = Array.from({ length: 600 }, () => ask(session, big));
  for (const { stream } of asked) stream.end(emptyRequest);
  await until(() => asked.every(({ status }) => status !== undefined));
  expect(site.listener.heldBytes.answers).toBeLessThanOrEqual(128 * mebibyte);
  expect(asked.filter(({ status }) => status === 'answered').length).toBe(42);
  expect(asked.filter(({ status }) => status === '8').length).toBe(558);
  await honestCalls(site, 10);
  globalThis.gc?.();
  await delay(300);
  expect(arrayBuffers() - before).toBeLessThan(400 * mebibyte);
  session.destroy();
  await until(() => site.listener.heldBytes.answers === 0);
  await honestCalls(site, 10);
  await until(() => site.listener.heldBytes.answers === 0);
  expect(site.listener.heldBytes).toEqual(nothingHeld);
});

test('400 half-sent requests: a bounded part is held, others are served', async () => {
  const site = await startSite({ requestReadTimeoutMs: 4_000 });
  const session = hostile(site);
  await once(session, 'remoteSettings');
  const half = halfRequest(4 * mebibyte - 16);
  const asked = Array.from({ length: 400 }, () => ask(session, echo));
  for (const { stream } of asked) stream.write(half);
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, site.listener.heldBytes.requests);
  }, 5);
  await until(() => asked.filter(({ stream }) => stream.closed).length > 50);
  await honestCalls(site, 10);
  await until(() => asked.every(({ stream }) => stream.closed));
  clearInterval(watch);
  expect(most).toBeGreaterThan(32 * mebibyte);
  expect(most).toBeLessThanOrEqual(64 * mebibyte);
  await until(() => site.listener.heldBytes.requests === 0);
  await honestCalls(site, 3);
  expect(site.listener.heldBytes.requests).toBe(0);
});

test('a request must go on, and single bytes are not enough', async () => {
  const site = await startSite({ requestReadTimeoutMs: 300 });
  const session = hostile(site);
  const silent = ask(session, echo);
  silent.stream.write(halfRequest(100));
  const trickling = ask(session, echo);
  const trickle = setInterval(() => trickling.stream.write(Buffer.alloc(1)), 20);
  trickling.stream.write(halfRequest(1_000));
  await until(() => silent.status !== undefined && trickling.status !== undefined);
  clearInterval(trickle);
  expect([silent.status, trickling.status]).toEqual(['4', '4']);
  expect(site.listener.heldBytes).toEqual(nothingHeld);
});

test('an answer that nobody reads is cut off; a connection that takes nothing is too', async () => {
  const site = await startSite({ answerStallTimeoutMs: 400 });
  const stalled = hostile(site);
  ask(stalled, echo).stream.end(emptyRequest);
  const closed = once(stalled, 'close');
  await until(() => site.listener.heldBytes.answers > 0);
  // Another one on a connection that takes other answers loses that one stream only.
  const mixed = connect(`http://${site.listener.address}`);
  sessions.push(mixed.on('error', () => undefined));
  const unread = ask(mixed, big);
  unread.stream.end(emptyRequest);
  let reads = 0;
  while (!unread.stream.closed) {
    const read = ask(mixed, echo);
    read.stream.end(emptyRequest).resume();
    await once(read.stream, 'close');
    reads += read.status === 'answered' ? 1 : 0;
    await delay(10);
  }
  expect(unread.stream.rstCode).toBe(11);
  expect(mixed.destroyed).toBe(false);
  expect(reads).toBeGreaterThan(5);
  await closed;
  await until(() => site.listener.heldBytes.answers === 0);
});

test('a connection over the limit is closed at once; the others stay', async () => {
  const site = await startSite({ connectionsMax: 3 });
  const channel = site.network.connect(site.listener.address);
  await channel.call(echo, Buffer.from('x'), { deadlineMs });
  const sockets = Array.from({ length: 5 }, () =>
    connectSocket(portOf(site.listener.address), '127.0.0.1').on('error', () => undefined),
  );
  await until(() => sockets.filter((socket) => socket.resume().destroyed).length === 3);
  await channel.call(echo, Buffer.from('x'), { deadlineMs });
  for (const socket of sockets) socket.destroy();
  await delay(50);
  const later = site.network.connect(site.listener.address);
  await later.call(echo, Buffer.from('x'), { deadlineMs });
});

test.each([
  [1, 1_000],
  [200, 5],
  [1, 2_000],
])('%i connections with %i calls each, round after round', async (connections, calls) => {
  const site = await startSite();
  const channels = Array.from({ length: connections }, () =>
    site.network.connect(site.listener.address),
  );
  for (let round = 0; round < 2; round++) {
    const outcomes = channels.flatMap((channel) =>
      Array.from({ length: calls }, async (_, index) => {
        const method = index % 2 === 0 ? echo : 'test.Service/Slow';
        for (let again = 0; again < 2; again++) {
          await channel.call(method, Buffer.alloc(100), { deadlineMs: 60_000 });
        }
      }),
    );
    await Promise.all(outcomes);
  }
  await until(() => site.listener.heldBytes.answers === 0);
  expect(site.listener.heldBytes).toEqual(nothingHeld);
});
