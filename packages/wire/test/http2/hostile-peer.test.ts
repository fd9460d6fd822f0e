import { describe, expect, test } from 'vitest';
import { http2Limits } from '../../src/http2/http2-limits.ts';
import { http2Preface } from '../../src/sniff.ts';
import { frame, setting, uint32 } from './raw-peer.ts';
import { answerHeaders, requestHeaders, type ServerSite, startServer } from './server-kit.ts';

// What a peer can do without breaking the letter of the protocol, and where it ends.

const calm = 11;

async function started(...args: Parameters<typeof startServer>): Promise<ServerSite> {
  const site = await startServer(...args);
  site.peer.hello();
  await site.world.settle();
  return site;
}

describe('a flood ends the connection with ENHANCE_YOUR_CALM', () => {
  const ping = frame(6, 0, 0, Buffer.alloc(8));
  test.each([
    ['PING', http2Limits.pings.burst, ping],
    ['SETTINGS', http2Limits.settings.burst, frame(4, 0, 0, setting(3, 1))],
    ['PRIORITY', http2Limits.ignored.burst, frame(2, 0, 1, [0, 0, 0, 0, 1])],
    ['unknown frames', http2Limits.ignored.burst, frame(0x42, 0, 1, [1])],
    ['WINDOW_UPDATE', http2Limits.windowUpdates.burst, frame(8, 0, 0, uint32(1))],
  ])('%s', async (_, burst, one) => {
    const { world, peer } = await started();
    // The first SETTINGS of a connection count as well.
    for (let sent = 0; sent < burst - 1; sent++) peer.send(one);
    await world.settle();
    expect(peer.goaways).toEqual([]);
    for (let sent = 0; sent < 3; sent++) peer.send(one);
    await world.settle();
    expect(peer.goaways).toEqual([calm]);
    expect(peer.hasEnded).toBe(true);
  });

  test('DATA without content', async () => {
    const { world, peer, requests } = await started();
    peer.send(peer.headers(1, requestHeaders));
    for (let sent = 0; sent <= http2Limits.emptyData.burst; sent++) peer.send(frame(0, 0, 1));
    await world.settle();
    expect(peer.goaways).toEqual([calm]);
    expect(requests[0]?.end?.kind).toBe('lost');
  });

  test('streams that are opened and reset at once', async () => {
    const { world, peer } = await started();
    let id = 1;
    for (; id < 2 * http2Limits.resets.burst; id += 2) {
      peer.send(peer.headers(id, requestHeaders, 0x5), frame(3, 0, id, uint32(8)));
    }
    await world.settle();
    expect(peer.goaways).toEqual([]);
    peer.send(peer.headers(id, requestHeaders, 0x5), frame(3, 0, id, uint32(8)));
    await world.settle();
    expect(peer.goaways).toEqual([calm]);
  });

  test('streams that the peer makes the server reset', async () => {
    const { world, peer } = await started();
    for (let at = 0; at <= http2Limits.resets.burst; at++) {
      const id = 2 * at + 1;
      peer.send(peer.headers(id, requestHeaders), frame(8, 0, id, uint32(0)));
    }
    await world.settle();
    expect(peer.goaways).toEqual([calm]);
  });

  test.each([
    ['many parts', 1],
    ['empty parts', 0],
    ['large parts', 16_000],
  ])('a header block of %s without end', async (_, bytes) => {
    const { world, peer, requests } = await started();
    peer.send(frame(1, 0, 1, Buffer.alloc(bytes, 0x82)));
    for (let sent = 0; sent < 40; sent++) peer.send(frame(9, 0, 1, Buffer.alloc(bytes, 0x82)));
    await world.settle();
    expect(peer.goaways).toEqual([calm]);
    expect(requests).toHaveLength(0);
  });
});

test('a peer that takes its time may go on for ever', async () => {
  const { world, peer } = await started();
  for (let round = 0; round < 30; round++) {
    for (let sent = 0; sent < 90; sent++) peer.send(frame(6, 0, 0, Buffer.alloc(8)));
    await world.advance(1_000);
  }
  expect(peer.goaways).toEqual([]);
});

test('window updates that answer data cost nothing', async () => {
  const { world, peer, requests } = await started();
  peer.send(peer.headers(1, requestHeaders, 0x5), frame(8, 0, 1, uint32(2 ** 30)));
  await world.settle();
  requests[0]?.stream.sendHeaders(answerHeaders, false);
  for (let sent = 0; sent < 20_000; sent++) {
    requests[0]?.stream.sendData(Buffer.alloc(0), Buffer.alloc(1), false);
    if (sent % 100 === 0) await world.settle();
    peer.send(frame(8, 0, 0, uint32(1)), frame(8, 0, 1, uint32(1)));
  }
  await world.settle();
  expect(peer.goaways).toEqual([]);
});

describe('a peer that takes nothing', () => {
  test('is not read from while much waits for it', async () => {
    const { world, peer, bytes } = await started();
    peer.stream.pause();
    const pings = Buffer.concat(Array.from({ length: 40 }, () => frame(6, 0, 0, Buffer.alloc(8))));
    // Within the rate, until nobody listens any more.
    for (let round = 0; round < 3_000 && !bytes.isPaused; round++) {
      peer.send(pings);
      await world.advance(1_000);
    }
    expect(bytes.isPaused).toBe(true);
    expect(bytes.bufferedBytes).toBeLessThan(http2Limits.unsentBytesMax + 10_000);
    peer.stream.resume();
    await world.settle();
    expect(bytes.isPaused).toBe(false);
    expect(peer.goaways).toEqual([]);
  });

  test('of a stream loses the stream; of everything, the connection', async () => {
    const { world, peer, bytes, requests } = await started({ stallTimeoutMs: 5_000 });
    peer.send(frame(4, 0, 0, setting(4, 0)));
    peer.send(peer.headers(1, requestHeaders, 0x5), peer.headers(3, requestHeaders, 0x5));
    await world.settle();
    for (const { stream } of requests) {
      stream.sendHeaders(answerHeaders, false);
      stream.sendData(Buffer.alloc(0), Buffer.alloc(1_000), false);
    }
    for (let round = 0; round < 7; round++) {
      peer.send(frame(8, 0, 3, uint32(100)));
      await world.advance(900);
    }
    expect(requests.map(({ end }) => end?.kind)).toEqual(['reset', 'reset']);
    expect(peer.resets).toEqual([
      [1, calm],
      [3, calm],
    ]);
    expect(bytes.isDestroyed).toBe(false);
    peer.send(peer.headers(5, requestHeaders, 0x5));
    await world.settle();
    requests[2]?.stream.sendHeaders(answerHeaders, false);
    requests[2]?.stream.sendData(Buffer.alloc(0), Buffer.alloc(1_000), false);
    await world.advance(6_000);
    expect(requests[2]?.end).toEqual({ kind: 'lost', reason: 'the peer takes nothing' });
    expect(bytes.isDestroyed).toBe(true);
  });
});

test('a peer that takes an answer slowly, but in good parts, gets all of it', async () => {
  const { world, peer, requests } = await started({ stallTimeoutMs: 5_000 });
  peer.send(frame(4, 0, 0, setting(4, 0)), frame(8, 0, 0, uint32(2 ** 30)));
  peer.send(peer.headers(1, requestHeaders, 0x5));
  await world.settle();
  requests[0]?.stream.sendHeaders(answerHeaders, false);
  requests[0]?.stream.sendData(Buffer.alloc(0), Buffer.alloc(8 * 262_144), true);
  for (let part = 0; part < 8; part++) {
    await world.advance(4_000);
    peer.send(frame(8, 0, 1, uint32(262_144)));
  }
  await world.settle();
  expect(peer.dataOf(1)).toHaveLength(8 * 262_144);
  expect(requests[0]?.end).toEqual({ kind: 'done' });
});

describe('times', () => {
  test('SETTINGS that are not acknowledged end the connection', async () => {
    const { world, peer } = await startServer({ settingsTimeoutMs: 2_000 });
    peer.send(Buffer.from(http2Preface, 'latin1'), frame(4, 0, 0));
    await world.advance(1_500);
    expect(peer.goaways).toEqual([]);
    await world.advance(1_000);
    expect(peer.goaways).toEqual([4]);
  });

  test('who does not begin with HTTP/2, or not in time, is dropped without a word', async () => {
    for (const first of [http2Preface.slice(0, 10), 'GET / HTTP/1.1\r\n']) {
      const { world, peer, bytes } = await startServer({ settingsTimeoutMs: 2_000 });
      peer.send(Buffer.from(first, 'latin1'));
      await world.advance(1_500);
      expect(bytes.isDestroyed).toBe(first.startsWith('GET'));
      await world.advance(1_000);
      expect([bytes.isDestroyed, bytes.writes]).toEqual([true, 0]);
    }
  });

  test('headers that come too slowly end the connection, in one frame or in several', async () => {
    for (const isOneFrame of [true, false]) {
      const { world, peer } = await startServer({ headersTimeoutMs: 2_000 });
      peer.hello();
      const whole = peer.headers(1, requestHeaders, isOneFrame ? 4 : 0);
      peer.send(isOneFrame ? whole.subarray(0, -3) : whole);
      await world.advance(1_500);
      expect(peer.goaways).toEqual([]);
      if (isOneFrame) peer.send(whole.subarray(-3, -2));
      await world.advance(1_000);
      expect(peer.goaways).toEqual([calm]);
    }
  });

  test('a silent peer is asked for a sign of life, and given up without one', async () => {
    const site = await startServer({
      ...{ keepAliveIntervalMs: 1_000, keepAliveTimeoutMs: 1_000, keepAliveWhileIdle: true },
    });
    const { world, peer, bytes } = site;
    peer.hello();
    const asked = (): number =>
      peer.frames.filter(({ type, flags }) => type === 6 && flags === 0).length;
    await world.advance(1_500);
    expect(asked()).toBe(1);
    peer.send(frame(6, 1, 0, Buffer.alloc(8)));
    await world.advance(1_500);
    expect(asked()).toBe(2);
    expect(bytes.isDestroyed).toBe(false);
    await world.advance(1_500);
    expect(bytes.isDestroyed).toBe(true);
  });

  test('a connection that ended by an error is destroyed even if the peer stays', async () => {
    const { world, peer, bytes } = await started();
    peer.send(frame(0, 0, 0, [1]));
    await world.settle();
    expect([peer.goaways, bytes.hasEnded, bytes.isDestroyed]).toEqual([[1], true, false]);
    await world.advance(http2Limits.lingerMs + 500);
    expect(bytes.isDestroyed).toBe(true);
    expect(world.timers).toBe(0);
  });
});
