import { gunzipSync, gzipSync } from 'node:zlib';
import type { IncomingCall, MessageStream } from '@d-engine/base';
import { describe, expect, test } from 'vitest';
import { frame, RawPeer, uint32 } from '../http2/raw-peer.ts';
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

function framed(message: Uint8Array, flag = 0): Buffer {
  return Buffer.concat([Buffer.from([flag]), uint32(message.length), message]);
}

const decoded = new WeakMap<RawPeer, { frames: number; lists: Map<number, string[]> }>();

/** The fields that came on a stream, head and trailers together. */
function headersOf(peer: RawPeer, streamId: number): readonly string[] {
  const seen = decoded.get(peer) ?? { frames: 0, lists: new Map<number, string[]>() };
  decoded.set(peer, seen);
  // Each block once and in order: the decoder's table changes with them.
  for (const { type, streamId: id, payload } of peer.frames.slice(seen.frames)) {
    const list = type === 1 ? peer.decoder.decode(payload) : [];
    if (!('length' in list)) throw new Error('too large a list');
    seen.lists.set(id, [...(seen.lists.get(id) ?? []), ...list]);
  }
  seen.frames = peer.frames.length;
  return seen.lists.get(streamId) ?? [];
}

function fieldOf(list: readonly string[], name: string): string | undefined {
  return list.includes(name) ? list[list.indexOf(name) + 1] : undefined;
}

function sentBytes(end: { readonly written: readonly Uint8Array[] } | undefined): number {
  return (end?.written ?? []).reduce((sum, { length }) => sum + length, 0);
}

describe('a packed answer', () => {
  const large = Buffer.alloc(50_000, 7);

  test('goes to whoever can unpack it, where it is wanted, and only if it is large', async () => {
    const site = await startSite({
      compression: (method) => (method === echo ? 'gzip' : undefined),
    });
    const peer = await rawClient(site);
    const accepts = ['grpc-accept-encoding', 'identity, gzip'];
    peer.send(
      peer.headers(1, request(`/${echo}`, ...accepts)),
      frame(0, 1, 1, framed(large.subarray(0, 8_000))),
    );
    peer.send(
      peer.headers(3, request(`/${echo}`)),
      frame(0, 1, 3, framed(large.subarray(0, 8_000))),
    );
    peer.send(peer.headers(5, request(`/${echo}`, ...accepts)), frame(0, 1, 5, framed(bytes('x'))));
    await site.world.settle();
    const [packed, plain, small] = [1, 3, 5].map((id) => peer.dataOf(id));
    expect(packed?.[0]).toBe(1);
    expect(gunzipSync(packed?.subarray(5) ?? '')).toEqual(large.subarray(0, 8_000));
    expect(fieldOf(headersOf(peer, 1), 'grpc-encoding')).toBe('gzip');
    expect(plain).toEqual(framed(large.subarray(0, 8_000)));
    expect(small).toEqual(framed(bytes('x')));
  });

  test('is unpacked by our own channel, and nothing is held for it afterwards', async () => {
    const site = await startSite({ compression: () => 'gzip' });
    const outcome = watch(site.network.connect(address).call(echo, large, { deadlineMs }));
    await site.world.settle();
    expect(large.equals(outcome.message ?? bytes('none'))).toBe(true);
    const [pair] = site.world.bytes.pairs;
    expect(sentBytes(pair?.server)).toBeLessThan(2_000);
    expect(site.listener.heldBytes).toEqual({ requests: 0, answers: 0 });
  });
});

describe('a packed request', () => {
  test('of a call is unpacked for the service; one that cannot shrink goes plain', async () => {
    const { world, network, service } = await startSite();
    const channel = network.connect(address);
    const large = Buffer.alloc(50_000, 7);
    const dense = Buffer.from(
      Array.from({ length: 3_000 }, (_, at) => (at * at * 31 + (at >> 3)) & 255),
    );
    const outcomes = [large, gzipSync(dense), bytes('x')].map((message) =>
      watch(channel.call(echo, message, { deadlineMs, compression: 'gzip' })),
    );
    await world.settle();
    expect(outcomes.map(({ message }) => message?.length)).toEqual([
      ...[50_000, gzipSync(dense).length, 1],
    ]);
    expect(service.calls.map((call) => call.request.length).toSorted((a, b) => a - b)).toHaveLength(
      3,
    );
  });

  test('of a stream keeps its order, and its end comes last', async () => {
    const { world, network, service } = await startSite();
    const stream = network
      .connect(address)
      .openStream('test.Service/Stream', new Recorder(), { compression: 'gzip' });
    const sizes = [5_000, 10, 200_000, 0, 3, 40_000, 1];
    for (const size of sizes) stream.send(Buffer.alloc(size, 1));
    stream.end();
    await world.settle();
    const [accepted] = service.streams;
    expect(accepted?.recorder.messages.map(({ length }) => length)).toEqual(sizes);
    expect(sentBytes(world.bytes.pairs[0]?.client)).toBeLessThan(5_000);
    accepted?.stream.end();
    await world.settle();
    expect(accepted?.recorder.closes).toEqual([undefined]);
  });

  test('that unpacks to more than the limit ends the call, in a call and in a stream', async () => {
    const site = await startSite({ requestBytesMax: () => 100_000 });
    const peer = await rawClient(site);
    const bomb = framed(gzipSync(Buffer.alloc(50_000_000)).subarray(0), 1);
    expect(bomb.length).toBeLessThan(60_000);
    for (const [id, path] of [
      [1, `/${echo}`],
      [3, '/test.Service/Stream'],
    ] as const) {
      peer.send(peer.headers(id, request(path, 'grpc-encoding', 'gzip')));
      for (let at = 0; at < bomb.length; at += 16_384) {
        peer.send(frame(0, at + 16_384 >= bomb.length ? 1 : 0, id, bomb.subarray(at, at + 16_384)));
      }
    }
    await site.world.settle();
    for (const id of [1, 3]) {
      const list = headersOf(peer, id);
      expect(fieldOf(list, 'grpc-status')).toBe('8');
    }
    expect(site.service.calls).toHaveLength(0);
    expect(site.service.streams[0]?.recorder.messages).toHaveLength(0);
  });

  test('of an unknown kind is refused, with what is accepted', async () => {
    const site = await startSite();
    const peer = await rawClient(site);
    for (const [id, path] of [
      [1, `/${echo}`],
      [3, '/test.Service/Stream'],
    ] as const) {
      peer.send(
        peer.headers(id, request(path, 'grpc-encoding', 'snappy')),
        frame(0, 1, id, framed(bytes('xyz'), 1)),
      );
    }
    await site.world.settle();
    for (const id of [1, 3]) {
      const list = headersOf(peer, id);
      expect(fieldOf(list, 'grpc-status')).toBe('12');
      expect(fieldOf(list, 'grpc-accept-encoding')).toBe('identity,gzip');
    }
  });
});

describe('what the streams of clients make a listener hold', () => {
  async function stalled(): Promise<GrpcSite & { peer: RawPeer }> {
    const site = await startSite({ answerBudgetBytes: 1_000_000 });
    const peer = await rawClient(site);
    // It takes nothing.
    peer.send(frame(4, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(0)])));
    for (const id of [1, 3]) peer.send(peer.headers(id, request('/test.Service/Stream')));
    await site.world.settle();
    return { ...site, peer };
  }

  test('is bounded for all of them together; who holds most loses its stream', async () => {
    const { world, service, listener, network } = await stalled();
    const [first, second] = service.streams;
    first?.stream.send(Buffer.alloc(600_000));
    second?.stream.send(Buffer.alloc(300_000));
    expect(listener.heldBytes.answers).toBeGreaterThan(899_000);
    const honest = network.connect(address).openStream('test.Service/Stream', new Recorder());
    await world.settle();
    expect(honest).toBeDefined();
    // Of the same connection: whoever wants more than there is gets nothing.
    expect(second?.stream.send(Buffer.alloc(300_000))).toBe(false);
    await world.settle();
    expect(second?.recorder.closes[0]?.status).toBe('resourceExhausted');
    expect(listener.heldBytes.answers).toBeGreaterThan(599_000);
    expect(listener.heldBytes.answers).toBeLessThan(700_000);
  });

  test('is given back when it has left, when the client goes, and after a reset', async () => {
    for (const how of ['window', 'destroy', 'reset'] as const) {
      const { world, service, listener, peer } = await stalled();
      for (const { stream } of service.streams) stream.send(Buffer.alloc(50_000));
      expect(listener.heldBytes.answers).toBeGreaterThan(99_000);
      if (how === 'window') peer.send(...[1, 3, 0].map((id) => frame(8, 0, id, uint32(100_000))));
      else if (how === 'destroy') peer.stream.destroy();
      else service.streams.map(({ stream }) => stream.reset({ status: 'aborted', message: '' }));
      await world.advance(2_000);
      expect([how, listener.heldBytes.answers]).toEqual([how, 0]);
    }
  });
});

describe('back-pressure of a stream that packs', () => {
  test('counts what waits to be packed, and tells when it has left', async () => {
    const site = await startSite({ sendBufferBytes: 100_000 });
    const recorder = new Recorder();
    const stream = site.network
      .connect(address)
      .openStream('test.Service/Stream', recorder, { compression: 'gzip' });
    await site.world.settle();
    let sent = 0;
    while (stream.send(Buffer.alloc(10_000, sent)) && sent < 50) sent += 1;
    expect(sent).toBe(9);
    expect(recorder.drains).toBe(0);
    await site.world.settle();
    expect(recorder.drains).toBe(1);
    expect(site.service.streams[0]?.recorder.messages).toHaveLength(10);
  });

  test('a producer that only goes on after onDrain holds little, both ways', async () => {
    const site = await startSite({
      ...{ sendBufferBytes: 20_000, compression: () => 'gzip' as const },
      http2: { streamWindowBytes: 65_535, connectionWindowBytes: 100_000 },
    });
    const produce = (stream: MessageStream, state: { left: number }): void => {
      while (state.left > 0) {
        state.left -= 1;
        if (!stream.send(Buffer.alloc(5_000, state.left))) return;
      }
    };
    const state = { left: 300 };
    const recorder = new Recorder();
    const stream = site.network
      .connect(address)
      .openStream(streamEcho, recorder, { compression: 'gzip' });
    recorder.onDrain = (): void => produce(stream, state);
    produce(stream, state);
    expect(state.left).toBeGreaterThan(290);
    await site.world.settle();
    expect(recorder.messages).toHaveLength(300);
    expect(recorder.messages.map(([first]) => first)).toEqual(
      Array.from({ length: 300 }, (_, at) => (299 - at) & 255),
    );
  });
});

test('the end of one direction is told once all before it was delivered', async () => {
  const { world, network, service } = await startSite();
  const ends: string[] = [];
  const recorder = new Recorder();
  const onEnd = (): void => void ends.push(`client after ${recorder.messages.length}`);
  const stream = network
    .connect(address)
    .openStream('test.Service/Stream', Object.assign(recorder, { onEnd }));
  await world.settle();
  const [accepted] = service.streams;
  if (accepted === undefined) throw new Error('no stream');
  Object.assign(accepted.recorder, {
    onEnd: (): void => {
      ends.push(`server after ${accepted.recorder.messages.length}`);
      accepted.stream.send(bytes('sum'));
      accepted.stream.end();
    },
  });
  accepted.stream.pause();
  for (const text of ['1', '2', '3']) stream.send(bytes(text));
  stream.end();
  await world.settle();
  expect(ends).toEqual([]);
  accepted.stream.resume();
  await world.settle();
  expect(ends).toEqual(['server after 3', 'client after 1']);
  expect([recorder.closes, accepted.recorder.closes]).toEqual([[undefined], [undefined]]);
});

describe('a deadline on the server', () => {
  async function asked(timeout: string): Promise<GrpcSite & { peer: RawPeer; call: IncomingCall }> {
    const site = await startSite();
    const peer = await rawClient(site);
    peer.send(
      peer.headers(1, request(`/${never}`, 'grpc-timeout', timeout)),
      frame(0, 1, 1, framed(bytes('x'))),
    );
    await site.world.settle();
    const [call] = site.service.calls;
    if (call === undefined) throw new Error('no call');
    return { ...site, peer, call };
  }

  test('aborts the signal and ends the call; an answer that is late goes nowhere', async () => {
    const { world, peer, call } = await asked('300m');
    const { signal } = call;
    await world.advance(290);
    expect([signal.aborted, headersOf(peer, 1)]).toEqual([false, []]);
    await world.advance(30);
    expect(signal.aborted).toBe(true);
    expect(fieldOf(headersOf(peer, 1), 'grpc-status')).toBe('4');
    call.reply(bytes('late'));
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(0);
    expect(() => call.reply(bytes('twice'))).toThrow('answered twice');
  });

  test('means nothing once the call was answered, and leaves no timer', async () => {
    const { world, peer, call, network } = await asked('300m');
    const { signal } = call;
    call.reply(bytes('in time'));
    await world.advance(5_000);
    expect(signal.aborted).toBe(false);
    expect(fieldOf(headersOf(peer, 1), 'grpc-status')).toBe('0');
    const closed = network.close();
    await world.settle();
    await closed;
    expect(world.timers).toBe(0);
  });

  test('is not the only end: the signal aborts too when the caller is gone', async () => {
    for (const isReset of [true, false]) {
      const { world, peer, call } = await asked('300S');
      const { signal } = call;
      if (isReset) peer.send(frame(3, 0, 1, uint32(8)));
      else peer.stream.destroy();
      await world.settle();
      expect(signal.aborted).toBe(true);
      call.fail({ status: 'internal', message: 'too late to matter' });
    }
    const { world, peer, call } = await asked('300S');
    peer.stream.destroy();
    await world.settle();
    // Asked for only afterwards.
    expect(call.signal.aborted).toBe(true);
  });

  test('ends a stream with DEADLINE_EXCEEDED on both sides', async () => {
    const site = await startSite();
    const peer = await rawClient(site);
    peer.send(peer.headers(1, request('/test.Service/Stream', 'grpc-timeout', '300m')));
    await site.world.advance(320);
    expect(site.service.streams[0]?.recorder.closes[0]?.status).toBe('deadlineExceeded');
    const recorder = new Recorder();
    site.network.connect(address).openStream('test.Service/Stream', recorder, { deadlineMs: 500 });
    await site.world.advance(499);
    expect(recorder.closes.length).toBe(0);
    await site.world.advance(20);
    expect(recorder.closes[0]?.status).toBe('deadlineExceeded');
    expect(site.service.streams[1]?.recorder.closes).toHaveLength(1);
  });

  test.each([1, 40, 999, 15_000])('of %i ms is not early', async (ms) => {
    const { world, call } = await asked(`${ms}m`);
    const { signal } = call;
    await world.advance(ms - 1);
    expect(signal.aborted).toBe(false);
    await world.advance(ms < 10_001 ? 20 : 1_500);
    expect(signal.aborted).toBe(true);
  });
});

test('requests with binary metadata that is none are refused', async () => {
  const site = await startSite();
  const peer = await rawClient(site);
  peer.send(peer.headers(1, request(`/${echo}`, 'x-bin', '?')), frame(0, 1, 1, framed(bytes('x'))));
  await site.world.settle();
  expect(fieldOf(headersOf(peer, 1), 'grpc-status')).toBe('3');
  expect(site.service.calls).toHaveLength(0);
});

test('calls whose deadlines differ a little send the same headers', async () => {
  const site = await startSite();
  const channel = site.network.connect(address);
  for (let at = 0; at < 3; at++) {
    watch(channel.call(echo, bytes('x'), { deadlineMs: 4_950 + at }));
    await site.world.settle();
  }
  const before = sentBytes(site.world.bytes.pairs[0]?.client);
  for (let at = 0; at < 10; at++)
    watch(channel.call(echo, bytes('x'), { deadlineMs: 4_900 + at * 9 }));
  await site.world.settle();
  const after = sentBytes(site.world.bytes.pairs[0]?.client);
  // Two frame heads, a message of six bytes, and ten fields of which nine are one byte each.
  expect((after - before) / 10).toBeLessThan(48);
});
