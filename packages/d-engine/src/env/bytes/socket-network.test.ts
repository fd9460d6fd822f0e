import { readFileSync } from 'node:fs';
import { Agent, createServer as createHttpServer, get } from 'node:http';
import { createServer, Socket } from 'node:net';
import { StatusError } from '@d-engine/base';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deadAddress, delay, portOf } from '../test/network-kit.ts';
import { SocketNetwork } from './byte-network.ts';
import { counted, listenOn, openPair, rawSocket, StreamRecorder, until } from './test/byte-kit.ts';

let network: SocketNetwork;

beforeEach(() => {
  network = new SocketNetwork();
});

afterEach(async () => {
  await network.close();
  await until(() => network.openSockets === 0);
});

describe('a stream over TCP', () => {
  it('carries bytes both ways, and closes in good order when both sides ended', async () => {
    const { stream, here, accepted, there } = await openPair(network);
    stream.write(Buffer.from('ask '));
    stream.write(Uint8Array.from(Buffer.from('me')));
    stream.end();
    expect(stream.write(Buffer.from('after the end'))).toBe(false);
    await there.heard('end');
    expect(there.text).toBe('ask me');
    accepted.write(Buffer.from('an answer after your end'));
    await delay(20);
    expect(there.closed).toBe(false);
    accepted.end();
    await Promise.all([here.heard('closed'), there.heard('closed')]);
    expect(here.text).toBe('an answer after your end');
    expect(here.events).toEqual(['open', 'end', 'closed']);
    expect(there.events).toEqual(['end', 'closed']);
    expect(stream.write(Buffer.from('late'))).toBe(false);
    expect(network.openSockets).toBe(0);
  });

  it('keeps what was written, and the end, before it was open', async () => {
    const { listener, accepted } = await listenOn(network);
    const here = new StreamRecorder();
    const stream = network.connect(listener.address, here);
    expect(stream.write(Buffer.from('early '))).toBe(true);
    expect(stream.bufferedBytes).toBe(6);
    stream.write(Buffer.from('bird'));
    stream.end();
    expect(here.events).toEqual([]);
    await until(() => accepted[0]?.recorder.events.includes('end') === true);
    expect(accepted[0]?.recorder.text).toBe('early bird');
    expect(here.events).toEqual(['open']);
  });

  it('lends what it brings: a view that is kept shows later bytes', async () => {
    const { stream, there } = await openPair(network);
    const kept: Uint8Array[] = [];
    there.onBytesDo = (bytes) => kept.push(bytes);
    stream.write(Buffer.from('first'));
    await until(() => there.byteCount === 5);
    stream.write(Buffer.from('again'));
    await until(() => there.byteCount === 10);
    expect(there.text).toBe('firstagain');
    expect(Buffer.from(kept[0] as Uint8Array).toString()).toBe('again');
  });

  it('lets others have their turn while it brings megabytes', async () => {
    const { stream, there } = await openPair(network);
    there.keepsBytes = false;
    let bytesOfRound = 0;
    let bytesOfRoundMax = 0;
    there.onBytesDo = (bytes) => {
      if (bytesOfRound === 0) setImmediate(() => (bytesOfRound = 0));
      bytesOfRound += bytes.length;
      bytesOfRoundMax = Math.max(bytesOfRoundMax, bytesOfRound);
    };
    const total = 16 * 1024 * 1024;
    stream.write(Buffer.alloc(total));
    await until(() => there.byteCount === total);
    expect(bytesOfRoundMax).toBeGreaterThan(0);
    expect(bytesOfRoundMax).toBeLessThanOrEqual(5 * 65_536);
  });

  it('says that it keeps nothing once the system has all of it', async () => {
    const { stream, accepted, there } = await openPair(network);
    stream.write(Buffer.from('little'));
    expect(stream.keepsWritten).toBe(false);
    accepted.pause();
    while (stream.write(Buffer.alloc(1024 * 1024)));
    expect(stream.keepsWritten).toBe(true);
    there.keepsBytes = false;
    accepted.resume();
    await until(() => stream.keepsWritten === false);
  });

  it('brings whatever was written, whole and in order, in whatever pieces', async () => {
    const pair = await openPair(network);
    const run = async (chunks: readonly Uint8Array[], back: boolean): Promise<void> => {
      const [from, to] = back ? [pair.accepted, pair.here] : [pair.stream, pair.there];
      to.pieces.length = 0;
      const before = to.byteCount;
      for (const chunk of chunks) from.write(chunk);
      const all = Buffer.concat(chunks);
      await until(() => to.byteCount === before + all.length);
      expect(Buffer.compare(to.bytes, all)).toBe(0);
    };
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 10 }),
      fc.integer({ min: 1, max: 300_000 }).map(counted),
    );
    const chunks = fc.array(chunk, { maxLength: 10 });
    await fc.assert(fc.asyncProperty(chunks, fc.boolean(), run), { numRuns: 50 });
  });

  it('stops when paused, through TCP the sender too, and goes on when resumed', async () => {
    const { stream, here, accepted, there } = await openPair(network);
    accepted.pause();
    const piece = counted(50_000);
    let writtenBytes = 0;
    do {
      writtenBytes += piece.length;
      await delay(0);
    } while (stream.write(piece));
    expect(stream.bufferedBytes).toBeGreaterThanOrEqual(65_536);
    await delay(50);
    expect(here.drains).toBe(0);
    expect(there.byteCount).toBe(0);
    accepted.resume();
    await until(() => there.byteCount === writtenBytes);
    await until(() => here.drains === 1);
    expect(stream.bufferedBytes).toBe(0);
    expect(stream.write(piece)).toBe(true);
  });

  it('tells of no drain to a writer that was not told to wait', async () => {
    const { stream, here, accepted, there } = await openPair(network);
    accepted.pause();
    let writtenBytes = 0;
    while (stream.bufferedBytes === 0) {
      expect(stream.write(counted(20_000))).toBe(true);
      writtenBytes += 20_000;
      await delay(0);
    }
    accepted.resume();
    await until(() => there.byteCount === writtenBytes && stream.bufferedBytes === 0);
    await delay(20);
    expect(here.drains).toBe(0);
  });

  it('does not call a receiver behind that the system has room for', async () => {
    const { stream, here, there } = await openPair(network);
    for (let count = 0; count < 20; count++) {
      expect(stream.write(counted(100_000))).toBe(true);
      await until(() => there.byteCount === (count + 1) * 100_000);
    }
    expect(here.drains).toBe(0);
  });

  it('paused by its handler before the first bytes, gets them when resumed', async () => {
    const { accepted, port } = await listenOn(network, { http1: () => undefined }, (one) =>
      one.stream.pause(),
    );
    const socket = await rawSocket(port);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nand more');
    await until(() => accepted.length === 1);
    await delay(20);
    expect(accepted[0]?.recorder.byteCount).toBe(0);
    accepted[0]?.stream.resume();
    expect(accepted[0]?.recorder.byteCount).toBe(0);
    await until(() => accepted[0]?.recorder.byteCount === 32);
    socket.destroy();
  });

  it('knows by which address each side was reached', async () => {
    const { stream, accepted } = await openPair(network);
    expect([stream.localHost, accepted.localHost]).toEqual(['127.0.0.1', '127.0.0.1']);
    const onAll = await network.listen('[::]:0', (other) => {
      onAllHosts.push(other.localHost);
      return new StreamRecorder();
    });
    const onAllHosts: unknown[] = [];
    for (const host of ['127.0.0.1', '[::1]']) {
      const here = new StreamRecorder();
      network.connect(`${host}:${portOf(onAll.address)}`, here);
      await here.heard('open');
    }
    await until(() => onAllHosts.length === 2);
    expect(onAllHosts).toEqual(['127.0.0.1', '[::1]']);
  });
});

describe('a stream that breaks', () => {
  it('is destroyed: tells of it once, and the other side sees an end', async () => {
    const { stream, here, there } = await openPair(network);
    stream.destroy();
    stream.destroy();
    stream.end();
    expect(stream.write(Buffer.from('late'))).toBe(false);
    expect(here.events).toEqual(['open']);
    await here.heard('lost');
    await there.heard('end');
    expect(here.error).toMatchObject({ status: 'cancelled', mayHaveBeenSent: true });
  });

  it('is closed with its network: both sides hear of it, and nothing is left', async () => {
    const { here, there } = await openPair(network);
    await network.close();
    await Promise.all([here.heard('lost'), there.heard('lost')]);
    await until(() => network.openSockets === 0);
    expect(here.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: true });
  });

  it('is destroyed in the middle of its own bytes: nothing more comes', async () => {
    const { stream, accepted, there } = await openPair(network);
    there.onBytesDo = () => accepted.destroy();
    stream.write(counted(1_000_000));
    await there.heard('lost');
    expect(there.byteCount).toBeLessThanOrEqual(65_536);
  });

  it('is reset: both the reader and the writer hear why', async () => {
    const { accepted, port } = await listenOn(network);
    const socket = await rawSocket(port);
    await until(() => accepted.length === 1);
    socket.resetAndDestroy();
    const recorder = accepted[0]?.recorder;
    await recorder?.heard('lost');
    expect(recorder?.error).toBeInstanceOf(StatusError);
    expect(recorder?.error?.message).toBe('the connection was lost: ECONNRESET');
    expect(recorder?.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: true });
  });

  it('is written to after the other side is gone', async () => {
    const { stream, here, accepted } = await openPair(network);
    accepted.destroy();
    await here.heard('end');
    stream.write(Buffer.from('to nobody'));
    await delay(20);
    stream.write(Buffer.from('again'));
    await here.heard('lost');
    expect(here.error?.message).toMatch(/EPIPE|ECONNRESET/);
  });
});

describe('connecting', () => {
  it('to where nobody listens fails as certainly not sent', async () => {
    const here = new StreamRecorder();
    const address = await deadAddress();
    const stream = network.connect(address, here);
    stream.write(Buffer.from('never'));
    await here.heard('lost');
    expect(here.events).toEqual(['lost']);
    expect(here.error?.message).toBe(`cannot connect to ${address}: ECONNREFUSED`);
    expect(here.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
  });

  it('to a host that does not exist, or to no address at all, fails too', async () => {
    const unknown = new StreamRecorder();
    network.connect('no-such-host.invalid:1', unknown);
    const malformed = new StreamRecorder();
    network.connect('nonsense', malformed);
    expect(malformed.events).toEqual([]);
    await Promise.all([unknown.heard('lost'), malformed.heard('lost')]);
    expect(unknown.error?.message).toMatch(/ENOTFOUND|EAI_AGAIN/);
    expect(malformed.error).toMatchObject({ status: 'invalidArgument' });
  });

  it('may be given up', async () => {
    const { listener } = await listenOn(network);
    const here = new StreamRecorder();
    network.connect(listener.address, here).destroy();
    expect(here.events).toEqual([]);
    await here.heard('lost');
    expect(here.events).toEqual(['lost']);
    expect(here.error).toMatchObject({ status: 'cancelled', mayHaveBeenSent: false });
  });
});

describe('listening', () => {
  it('says that a port is taken', async () => {
    const { listener } = await listenOn(network);
    const again = network.listen(listener.address, () => new StreamRecorder());
    await expect(again).rejects.toThrow(
      `cannot listen on ${listener.address}: the port is taken (EADDRINUSE)`,
    );
    await expect(again).rejects.toMatchObject({ status: 'unavailable' });
    const malformed = network.listen('nonsense', () => new StreamRecorder());
    await expect(malformed).rejects.toMatchObject({ status: 'invalidArgument' });
  });

  it('ends at once; streams that are open stay, connections without a word do not', async () => {
    const patient = new SocketNetwork({ sniffTimeoutMs: 600_000 });
    const on = await listenOn(patient, { http1: () => undefined });
    const silent = await rawSocket(on.port);
    const talking = await rawSocket(on.port);
    talking.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await until(() => on.accepted.length === 1);
    await Promise.all([on.listener.close(), on.listener.close()]);
    await until(() => on.listener.openSockets === 1);
    const again = createServer().listen(on.port, '127.0.0.1');
    await until(() => again.listening);
    again.close();
    talking.write('still here');
    await until(() => on.accepted[0]?.recorder.byteCount === 34);
    for (const socket of [silent, talking]) socket.destroy();
    await patient.close();
  });

  it('counts its connections, and takes no more than it may', async () => {
    const small = new SocketNetwork({ connectionsMax: 3 });
    const on = await listenOn(small);
    const sockets: Socket[] = [];
    for (let count = 0; count < 3; count++) sockets.push(await rawSocket(on.port));
    await until(() => small.openSockets === 3);
    const tooMany = await rawSocket(on.port);
    await until(() => tooMany.closed || tooMany.readableEnded || !tooMany.readable);
    expect(on.accepted.length).toBe(3);
    sockets[0]?.destroy();
    on.accepted[0]?.stream.destroy();
    await until(() => small.openSockets === 2);
    sockets.push(await rawSocket(on.port));
    await until(() => on.accepted.length === 4);
    for (const socket of [...sockets, tooMany]) socket.destroy();
    await small.close();
  });

  it('and connecting, sends small pieces at once', async () => {
    const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    await openPair(network);
    expect(setNoDelay.mock.calls).toEqual([[true], [true]]);
    setNoDelay.mockRestore();
  });

  it.runIf(process.platform === 'linux')('asks silent peers for a sign of life', async () => {
    for (const tcpKeepAliveMs of [0, 300_000]) {
      const network = new SocketNetwork({ tcpKeepAliveMs });
      const on = await listenOn(network);
      await openPair(network, on);
      const timers = keepAliveSeconds(on.port);
      if (tcpKeepAliveMs === 0) expect(timers).toEqual([]);
      else {
        expect(timers.length).toBe(2);
        for (const seconds of timers) expect(Math.abs(seconds - 300)).toBeLessThan(10);
      }
      await network.close();
    }
  });
});

/** What the system's timers of both ends say, in seconds (proc(5), /proc/net/tcp). */
function keepAliveSeconds(port: number): number[] {
  const hexPort = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const seconds: number[] = [];
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', remote = '', state, , timer = ''] = line.trim().split(/\s+/);
    if (state !== '01' || !(local.endsWith(hexPort) || remote.endsWith(hexPort))) continue;
    const [kind, ticks = ''] = timer.split(':');
    if (kind === '02') seconds.push(Number.parseInt(ticks, 16) / 100);
  }
  return seconds;
}

describe('one port for two protocols', () => {
  it('gives HTTP/1.1 to the hook with its first bytes, and HTTP/2 to the codec', async () => {
    const http = createHttpServer((request, response) => response.end(`you want ${request.url}`));
    const on = await listenOn(network, { http1: (socket) => http.emit('connection', socket) });
    const agent = new Agent({ keepAlive: true });
    for (const path of ['/status', '/metrics']) {
      const text = await new Promise<string>((resolve, reject) => {
        const url = `http://127.0.0.1:${on.port}${path}`;
        get(url, { agent }, (response) => {
          response.setEncoding('utf8').on('data', resolve);
        }).on('error', reject);
      });
      expect(text).toBe(`you want ${path}`);
    }
    expect(on.accepted).toEqual([]);
    agent.destroy();
    http.closeAllConnections();
  });

  it.each([1, 2, 3, 13, 23, 24, 25])('tells them apart with the bytes cut at %i', async (at) => {
    const on = await listenOn(network, { http1: () => undefined });
    const socket = await rawSocket(on.port);
    const bytes = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthe first frame');
    socket.write(bytes.subarray(0, at));
    await delay(20);
    expect(on.accepted.length).toBe(at < 24 ? 0 : 1);
    socket.write(bytes.subarray(at));
    await until(() => on.accepted[0]?.recorder.byteCount === bytes.length);
    expect(on.accepted[0]?.recorder.text).toBe(bytes.toString());
    on.accepted[0]?.stream.write(Buffer.from('an answer'));
    const [answer] = await new Promise<Buffer[]>((resolve) => {
      socket.once('data', (data: Buffer) => resolve([data]));
    });
    expect(answer?.toString()).toBe('an answer');
    socket.destroy();
  });

  it('drops a connection that does not say what it speaks', async () => {
    const impatient = new SocketNetwork({ sniffTimeoutMs: 50 });
    const on = await listenOn(impatient, { http1: () => undefined });
    const slow = await rawSocket(on.port);
    slow.write('PRI * HT');
    await until(() => impatient.openSockets === 0);
    expect(on.accepted).toEqual([]);
    slow.destroy();
    const quick = await rawSocket(on.port);
    quick.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await delay(150);
    expect(impatient.openSockets).toBe(1);
    quick.destroy();
    await impatient.close();
  });

  it('drops a connection that ends without having said what it speaks', async () => {
    const patient = new SocketNetwork({ sniffTimeoutMs: 600_000 });
    const on = await listenOn(patient, { http1: () => undefined });
    const ended = await rawSocket(on.port);
    ended.end('PRI ');
    await until(() => ended.writableFinished);
    await until(() => patient.openSockets === 0);
    expect(on.accepted).toEqual([]);
    await patient.close();
  });
});
