import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { frame, RawPeer, setting, uint32 } from '../http2/raw-peer.ts';
import { everyByte } from '../http2/test-world.ts';
import {
  address,
  deadlineMs,
  echo,
  type GrpcSite,
  never,
  Recorder,
  startSite,
  streamEcho,
  watch,
} from './grpc-kit.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('a call', () => {
  test('brings message, metadata, deadline and host there, and an answer back', async () => {
    const { world, network, service } = await startSite();
    service.answerMetadata = { 'x-back': 'b' };
    const metadata = { 'x-there': 'a' };
    const outcome = watch(
      network.connect(address).call(echo, bytes('hi'), { deadlineMs, metadata }),
    );
    await world.settle();
    expect(Buffer.from(outcome.message ?? []).toString()).toBe('hi');
    expect(outcome.metadata).toEqual({ 'x-back': 'b' });
    expect(service.calls[0]).toMatchObject({
      ...{ method: echo, metadata, deadlineMs, localHost: '10.0.0.1' },
    });
  });

  test.each([0, 1, 16_384, 70_000, 300_000])('of %i bytes, byte by byte', async (size) => {
    const { world, network } = await startSite();
    if (size < 20_000) world.split = everyByte;
    else world.split = (all) => [all.subarray(0, 7), all.subarray(7, 1_000), all.subarray(1_000)];
    const request = Buffer.alloc(size, 9);
    const outcome = watch(network.connect(address).call(echo, request, { deadlineMs }));
    await world.settle();
    expect(request.equals(outcome.message ?? bytes('none'))).toBe(true);
  });

  test('has its request and its answer in one write each', async () => {
    const { world, network } = await startSite();
    const channel = network.connect(address);
    watch(channel.call(echo, bytes('first'), { deadlineMs }));
    await world.settle();
    const [pair] = world.bytes.pairs;
    const before = [pair?.client.writes ?? 0, pair?.server.writes ?? 0];
    const outcomes = Array.from({ length: 50 }, () =>
      watch(channel.call(echo, bytes('more'), { deadlineMs })),
    );
    await world.settle();
    expect(outcomes.every(({ message }) => message !== undefined)).toBe(true);
    expect([pair?.client.writes, pair?.server.writes]).toEqual([
      ...[(before[0] ?? 0) + 1, (before[1] ?? 0) + 1],
    ]);
  });

  test('ends at its deadline, and the server hears that nobody waits', async () => {
    const { world, network, service } = await startSite();
    const outcome = watch(network.connect(address).call(never, bytes('x'), { deadlineMs: 100 }));
    await world.advance(99);
    expect(outcome.error).toBeUndefined();
    await world.advance(2);
    expect(outcome.error).toMatchObject({ status: 'deadlineExceeded', mayHaveBeenSent: true });
    service.calls[0]?.reply(bytes('late'));
    await world.settle();
    expect(world.bytes.pairs[0]?.server.isDestroyed).toBe(false);
  });

  test('that had to wait for the connection tells the time that is left', async () => {
    const { world, network, service } = await startSite();
    const client = network.connect(address).call(echo, bytes('x'), { deadlineMs: 1_000 });
    const outcome = watch(client);
    const [pair] = world.bytes.pairs;
    if (pair !== undefined) pair.server.isFrozen = true;
    await world.advance(400);
    expect(outcome.message).toBeUndefined();
    // The server's SETTINGS were lost with the cable: the call ends by its deadline, unsent.
    await world.advance(601);
    expect(outcome.error).toMatchObject({ status: 'deadlineExceeded', mayHaveBeenSent: false });
    expect(service.calls).toHaveLength(0);
  });

  test('is given up by its signal, of which there is one listener for many calls', async () => {
    const { world, network } = await startSite();
    const channel = network.connect(address);
    const controller = new AbortController();
    const { signal } = controller;
    const outcomes = Array.from({ length: 20 }, () =>
      watch(channel.call(never, bytes('x'), { deadlineMs, signal })),
    );
    await world.settle();
    controller.abort();
    await world.settle();
    for (const { error } of outcomes) {
      expect(error).toMatchObject({ status: 'cancelled', mayHaveBeenSent: true });
    }
    const late = watch(channel.call(echo, bytes('x'), { deadlineMs, signal }));
    await world.settle();
    expect(late.error).toMatchObject({ status: 'cancelled', mayHaveBeenSent: false });
  });

  test('waits for room when the peer takes only some at a time', async () => {
    const site = await startSite({ http2: { maxConcurrentStreams: 2 } });
    const { world, network, service } = site;
    const channel = network.connect(address);
    const outcomes = Array.from({ length: 5 }, () =>
      watch(channel.call(never, bytes('x'), { deadlineMs })),
    );
    await world.settle();
    expect(service.calls).toHaveLength(2);
    service.calls[0]?.reply(bytes('a'));
    await world.settle();
    expect(service.calls).toHaveLength(3);
    await world.advance(deadlineMs + 1);
    expect(outcomes.map(({ error }) => error?.mayHaveBeenSent)).toEqual([
      ...[undefined, true, true, false, false],
    ]);
  });
});

describe('what a listener holds for requests', () => {
  const head = [
    ...[':method', 'POST', ':scheme', 'http', ':path', `/${never}`],
    ...['content-type', 'application/grpc'],
  ];
  const half = Buffer.concat([Buffer.from([0]), uint32(1_000), Buffer.alloc(500)]);

  async function halfSent(): Promise<GrpcSite & { readonly peer: RawPeer }> {
    const site = await startSite();
    const peer = new RawPeer();
    peer.stream = site.world.bytes.connect(address, peer);
    peer.hello();
    peer.send(peer.headers(1, head), frame(0, 0, 1, half));
    await site.world.settle();
    expect(site.listener.heldBytes.requests).toBeGreaterThan(1_000);
    return { ...site, peer };
  }

  test('is given back when they are complete', async () => {
    const { world, listener, peer, service } = await halfSent();
    peer.send(frame(0, 1, 1, Buffer.alloc(500)));
    await world.settle();
    expect(service.calls).toHaveLength(1);
    expect(listener.heldBytes.requests).toBe(0);
  });

  test('is given back when they are given up, or their connection is lost', async () => {
    for (const isReset of [true, false]) {
      const { world, listener, peer } = await halfSent();
      if (isReset) peer.send(frame(3, 0, 1, uint32(8)));
      else peer.stream.destroy();
      await world.settle();
      expect(listener.heldBytes.requests).toBe(0);
    }
  });

  test('counts headers alone too, and ends them in time', async () => {
    const { world, listener, peer } = await halfSent();
    const before = listener.heldBytes.requests;
    peer.send(peer.headers(3, head));
    await world.advance(2_000);
    expect(listener.heldBytes.requests).toBeGreaterThan(before);
    await world.advance(15_000);
    expect(listener.heldBytes.requests).toBe(0);
    expect(peer.resets).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });
});

describe('a message that was packed', () => {
  const packed = (message: Uint8Array): Buffer => {
    const body = gzipSync(message);
    return Buffer.concat([Buffer.from([1]), uint32(body.length), body]);
  };
  const plain = (message: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([0]), uint32(message.length), message]);
  const request = (path: string, ...more: string[]): string[] => [
    ...[':method', 'POST', ':scheme', 'http', ':path', path, 'content-type', 'application/grpc'],
    ...more,
  ];

  async function rawClient(site: GrpcSite): Promise<RawPeer> {
    const peer = new RawPeer();
    peer.stream = site.world.bytes.connect(address, peer);
    peer.hello();
    await site.world.settle();
    return peer;
  }

  test('is unpacked before the service gets it, in a call', async () => {
    const site = await startSite();
    const peer = await rawClient(site);
    peer.send(
      peer.headers(1, request(`/${echo}`, 'grpc-encoding', 'gzip')),
      frame(0, 1, 1, packed(bytes('packed'))),
    );
    await site.world.settle();
    expect(peer.dataOf(1)).toEqual(plain(bytes('packed')));
  });

  test('keeps its place among others of a stream, also while the stream is paused', async () => {
    const site = await startSite();
    const peer = await rawClient(site);
    const all = [plain(bytes('1')), packed(bytes('2')), plain(bytes('3')), packed(bytes('4'))];
    peer.send(
      peer.headers(1, request('/test.Service/Stream', 'grpc-encoding', 'gzip')),
      frame(0, 1, 1, Buffer.concat(all)),
    );
    site.world.runEvents();
    const [accepted] = site.service.streams;
    accepted?.stream.pause();
    await site.world.settle();
    expect(accepted?.recorder.messages.length).toBe(1);
    accepted?.stream.resume();
    await site.world.settle();
    const texts = accepted?.recorder.messages.map((message) => Buffer.from(message).toString());
    expect(texts).toEqual(['1', '2', '3', '4']);
    accepted?.stream.end();
    await site.world.settle();
    expect(accepted?.recorder.closes).toEqual([undefined]);
  });
});

describe('a stream', () => {
  test('keeps messages whole and in order, byte by byte, and ends in good order', async () => {
    const { world, network, service } = await startSite();
    world.split = everyByte;
    const recorder = new Recorder();
    const stream = network.connect(address).openStream(streamEcho, recorder);
    const sizes = [0, 1, 5, 100, 3_000];
    for (const size of sizes) stream.send(Buffer.alloc(size, size));
    stream.end();
    await world.settle();
    expect(recorder.messages.map(({ length }) => length)).toEqual(sizes);
    expect(recorder.closes).toEqual([]);
    service.streams[0]?.stream.end();
    await world.settle();
    expect(recorder.closes).toEqual([undefined]);
    expect(service.streams[0]?.recorder.closes).toEqual([undefined]);
  });

  test('delivers nothing more once its handler has paused it within a message', async () => {
    const { world, network, service } = await startSite();
    const stream = network.connect(address).openStream('test.Service/Stream', new Recorder());
    await world.settle();
    const { stream: incoming, recorder } = service.streams[0] ?? {};
    if (recorder !== undefined) recorder.onEach = (): void => incoming?.pause();
    for (const text of ['1', '2', '3']) stream.send(bytes(text));
    stream.end();
    await world.settle();
    expect(recorder?.messages).toHaveLength(1);
    incoming?.resume();
    await world.settle();
    expect(recorder?.messages).toHaveLength(2);
    incoming?.end();
    await world.settle();
    // Both sides have ended, but what was sent is not all delivered.
    expect(recorder?.closes).toEqual([]);
    incoming?.resume();
    await world.settle();
    expect(recorder?.messages).toHaveLength(3);
    incoming?.resume();
    await world.settle();
    expect(recorder?.closes).toEqual([undefined]);
  });

  test('opens its window only for what was delivered', async () => {
    const { world, service } = await startSite({ http2: { streamWindowBytes: 20_000 } });
    const peer = new RawPeer();
    peer.stream = world.bytes.connect(address, peer);
    peer.hello();
    const head = [':method', 'POST', ':scheme', 'http', ':path', '/test.Service/Stream'];
    peer.send(peer.headers(1, [...head, 'content-type', 'application/grpc']));
    await world.settle();
    const { stream: incoming, recorder } = service.streams[0] ?? {};
    if (recorder !== undefined) recorder.onEach = (): void => incoming?.pause();
    const message = Buffer.concat([Buffer.from([0]), uint32(995), Buffer.alloc(995)]);
    peer.send(frame(0, 0, 1, Buffer.concat(Array.from({ length: 16 }, () => message))));
    await world.settle();
    const updates = (): number =>
      peer.frames.filter((one) => one.type === 8 && one.streamId === 1).length;
    expect([recorder?.messages.length, updates()]).toEqual([1, 0]);
    if (recorder !== undefined) recorder.onEach = (): void => undefined;
    incoming?.resume();
    await world.settle();
    expect([recorder?.messages.length, updates()]).toEqual([16, 1]);
  });

  test('holds the sender back while the receiver is paused, and loses nothing', async () => {
    const site = await startSite({
      sendBufferBytes: 10_000,
      http2: { streamWindowBytes: 65_535, connectionWindowBytes: 100_000 },
    });
    const { world, network, service } = site;
    const recorder = new Recorder();
    const stream = network.connect(address).openStream('test.Service/Stream', recorder);
    await world.settle();
    const incoming = service.streams[0];
    incoming?.stream.pause();
    let sent = 0;
    for (let rounds = 0; rounds < 50; rounds++) {
      while (stream.send(Buffer.alloc(1_000, sent))) sent += 1;
      sent += 1;
      await world.settle();
      if (recorder.drains <= rounds) break;
    }
    expect(sent).toBeGreaterThan(60);
    expect(sent).toBeLessThan(100);
    expect(incoming?.recorder.messages).toHaveLength(0);
    incoming?.stream.resume();
    await world.settle();
    const seen = incoming?.recorder.messages.map(([first]) => first);
    expect(seen).toEqual(Array.from({ length: sent }, (_, at) => at));
  });

  test('that was paused for good does not stop the others of its connection', async () => {
    const site = await startSite({
      http2: { streamWindowBytes: 65_535, connectionWindowBytes: 70_000 },
    });
    const { world, network, service } = site;
    const channel = network.connect(address);
    const stream = channel.openStream('test.Service/Stream', new Recorder());
    await world.settle();
    service.streams[0]?.stream.pause();
    stream.send(Buffer.alloc(60_000));
    await world.settle();
    stream.reset({ status: 'aborted', message: 'enough' });
    for (let round = 0; round < 10; round++) {
      const outcome = watch(channel.call(echo, Buffer.alloc(50_000), { deadlineMs }));
      await world.settle();
      expect(outcome.message).toHaveLength(50_000);
    }
    expect(service.streams[0]?.recorder.closes[0]?.status).toBe('aborted');
  });
});

describe('whether a call may have been sent', () => {
  /** A server by hand, which has said hello. */
  async function rawServer(site: GrpcSite): Promise<RawPeer> {
    const peer = new RawPeer();
    await site.world.bytes.listen('raw:1', (stream) => {
      peer.stream = stream;
      return peer;
    });
    return peer;
  }

  test('is exact when the peer goes away: by its last stream', async () => {
    const site = await startSite();
    const { world, network } = site;
    const peer = await rawServer(site);
    const channel = network.connect('raw:1');
    const outcomes = [1, 2, 3].map(() => watch(channel.call(echo, bytes('x'), { deadlineMs })));
    await world.settle();
    peer.send(frame(4, 0, 0));
    await world.settle();
    peer.send(frame(7, 0, 0, Buffer.concat([uint32(1), uint32(0)])));
    await world.settle();
    expect(outcomes.map(({ error }) => error?.mayHaveBeenSent)).toEqual([undefined, false, false]);
    peer.stream.destroy();
    await world.settle();
    expect(outcomes[0]?.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: true });
  });

  test('is no when the peer refused the stream, and before the connection stood', async () => {
    const site = await startSite();
    const { world, network } = site;
    const peer = await rawServer(site);
    const channel = network.connect('raw:1', { connectTimeoutMs: 1_000 });
    const refused = watch(channel.call(echo, bytes('x'), { deadlineMs }));
    await world.settle();
    peer.send(frame(4, 0, 0));
    await world.settle();
    peer.send(frame(3, 0, 1, uint32(7)));
    await world.settle();
    expect(refused.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
    peer.stream.destroy();
    await world.settle();
    const silent = watch(channel.call(echo, bytes('x'), { deadlineMs }));
    await world.advance(1_001);
    expect(silent.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
    expect(silent.error?.message).toContain('no answer within 1000 ms');
  });

  test('is no when the connection was lost before it was handed over, else yes', async () => {
    const { world, network, service } = await startSite();
    const ways = { false: (work: () => void) => work(), true: network.batch.bind(network) };
    for (const isFlushed of [false, true]) {
      const channel = network.connect(address);
      await Promise.all([world.settle(), channel.call(echo, bytes('x'), { deadlineMs })]);
      // Of this the channel hears only in the next event.
      world.bytes.pairs.at(-1)?.client.destroy();
      let call: ReturnType<typeof watch> | undefined;
      ways[`${isFlushed}`](() => {
        call = watch(channel.call(never, bytes('x'), { deadlineMs }));
      });
      await world.settle();
      expect(call?.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: isFlushed });
    }
    expect(service.calls.filter(({ method }) => method === never)).toHaveLength(0);
  });
});

describe('a channel', () => {
  test('dials again at once after one failure, and after more with pauses', async () => {
    const { world, network } = await startSite({ reconnectPauseMs: 100 });
    const channel = network.connect('nobody:1');
    const dials = async (): Promise<number> => {
      const outcome = watch(channel.call(echo, bytes('x'), { deadlineMs }));
      await world.settle();
      expect(outcome.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
      expect(outcome.error?.message).toBe('cannot connect to nobody:1: ECONNREFUSED');
      return world.bytes.pairs.length;
    };
    expect([await dials(), await dials(), await dials()]).toEqual([1, 2, 2]);
    await world.advance(100);
    expect([await dials(), await dials()]).toEqual([3, 3]);
    await world.advance(100);
    expect(await dials()).toBe(3);
    await world.advance(100);
    expect(await dials()).toBe(4);
  });

  test('numbers its connections', async () => {
    const { world, network } = await startSite();
    const channel = network.connect(address);
    expect(channel.connectionNumber).toBe(1);
    watch(channel.call(echo, bytes('x'), { deadlineMs }));
    await world.settle();
    expect(channel.connectionNumber).toBe(1);
    world.bytes.pairs[0]?.server.destroy();
    await world.settle();
    expect(channel.connectionNumber).toBe(2);
    const again = watch(channel.call(echo, bytes('x'), { deadlineMs }));
    await world.settle();
    expect(again.message).toHaveLength(1);
    expect(channel.connectionNumber).toBe(2);
  });

  test('gives up a silent peer while calls are open, and leaves an idle one alone', async () => {
    const { world, network } = await startSite({
      ...{ keepAliveIntervalMs: 1_000, keepAliveTimeoutMs: 1_000 },
    });
    const channel = network.connect(address);
    watch(channel.call(echo, bytes('x'), { deadlineMs }));
    await world.settle();
    const [pair] = world.bytes.pairs;
    if (pair !== undefined) pair.server.isFrozen = true;
    await world.advance(10_000);
    expect(pair?.client.isDestroyed).toBe(false);
    const call = watch(channel.call(never, bytes('x'), { deadlineMs: 60_000 }));
    await world.advance(3_000);
    expect(call.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: true });
    expect(call.error?.message).toContain('no sign of life for 2000 ms');
  });

  test('leaves no timer behind when all is closed', async () => {
    const { world, network } = await startSite();
    const channel = network.connect(address);
    watch(channel.call(echo, bytes('x'), { deadlineMs }));
    channel.openStream(streamEcho, new Recorder());
    await world.settle();
    const closed = network.close();
    await world.settle();
    await closed;
    await world.advance(2_000);
    expect(world.timers).toBe(0);
  });
});

test('a setting that is out of bounds ends the connection, not the process', async () => {
  const site = await startSite();
  const peer = new RawPeer();
  peer.stream = site.world.bytes.connect(address, peer);
  peer.hello(setting(4, 2 ** 31));
  await site.world.settle();
  expect(peer.goaways).toEqual([3]);
});
