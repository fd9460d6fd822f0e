import { describe, expect, test } from 'vitest';
import { frame, setting, uint32 } from './raw-peer.ts';
import { answerHeaders, requestHeaders, startServer, type TestRequest } from './server-kit.ts';
import { everyByte } from './test-world.ts';

const body = Buffer.alloc(256, 7);
const echo = (request: TestRequest): void => {
  request.stream.sendHeaders(answerHeaders, false);
  request.stream.sendData(Buffer.from([1]), request.body, false);
  request.stream.sendHeaders(['grpc-status', '0'], true);
};

describe('answers', () => {
  test('to all requests of one read leave in one write', async () => {
    const { world, peer, bytes } = await startServer({}, echo);
    peer.hello();
    await world.settle();
    const before = bytes.writes;
    const frames = [1, 3, 5, 7].flatMap((id) => [
      peer.headers(id, requestHeaders),
      frame(0, 1, id, body),
    ]);
    peer.send(...frames);
    await world.settle();
    expect(bytes.writes - before).toBe(1);
    for (const id of [1, 3, 5, 7]) {
      expect(peer.dataOf(id)).toEqual(Buffer.concat([Buffer.from([1]), body]));
    }
  });

  test('leave before the read is over, not in a later event', async () => {
    const { world, peer, bytes, connection } = await startServer({}, echo);
    peer.hello();
    await world.settle();
    const before = bytes.writes;
    connection.onBytes(Buffer.concat([peer.headers(1, requestHeaders), frame(0, 1, 1, body)]));
    expect(bytes.writes - before).toBe(1);
  });

  test('that come outside of a read leave in one write a turn', async () => {
    const { world, peer, bytes, requests } = await startServer();
    peer.hello();
    peer.send(
      ...[1, 3, 5].flatMap((id) => [peer.headers(id, requestHeaders), frame(0, 1, id, body)]),
    );
    await world.settle();
    const before = bytes.writes;
    for (const request of requests) echo(request);
    expect(bytes.writes).toBe(before);
    await world.settle();
    expect(bytes.writes - before).toBe(1);
  });

  test('are the same when every byte comes by itself', async () => {
    const { world, peer, requests } = await startServer({}, echo);
    world.split = everyByte;
    peer.hello();
    peer.send(peer.headers(1, requestHeaders), frame(0, 0, 1, body), frame(0, 1, 1, body));
    await world.settle();
    expect(requests[0]?.body).toEqual(Buffer.concat([body, body]));
    expect(peer.dataOf(1)).toHaveLength(1 + 2 * body.length);
  });

  test('of megabytes leave in several rounds, with room for others between them', async () => {
    const { world, peer, bytes, requests, connection } = await startServer();
    const large = 1_048_576;
    world.highWaterBytes = 10 * large;
    peer.hello(setting(4, large));
    peer.send(frame(8, 0, 0, uint32(2 * large)), peer.headers(1, requestHeaders, 0x5));
    await world.settle();
    requests[0]?.stream.sendHeaders(answerHeaders, false);
    requests[0]?.stream.sendData(Buffer.alloc(0), Buffer.alloc(large, 7), true);
    const before = bytes.bufferedBytes;
    connection.flush();
    const atOnce = bytes.bufferedBytes - before;
    expect(atOnce).toBeGreaterThan(200_000);
    expect(atOnce).toBeLessThan(300_000);
    await world.settle();
    expect(peer.dataOf(1).equals(Buffer.alloc(large, 7))).toBe(true);
    expect(requests[0]?.end).toEqual({ kind: 'done' });
  });

  test('to a caller that gave up go nowhere', async () => {
    const { world, peer, requests } = await startServer();
    peer.hello();
    peer.send(peer.headers(1, requestHeaders), frame(0, 1, 1, body), frame(3, 0, 1, uint32(8)));
    await world.settle();
    expect(requests[0]?.end).toEqual({ kind: 'reset', code: 8, byPeer: true });
    echo(requests[0] as TestRequest);
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(0);
    expect(peer.goaways).toEqual([]);
  });
});

describe('windows', () => {
  test('of the peer are kept to, stream by stream and together', async () => {
    const { world, peer, requests } = await startServer();
    peer.hello(setting(4, 100));
    peer.send(...[1, 3].flatMap((id) => [peer.headers(id, requestHeaders), frame(0, 1, id, body)]));
    await world.settle();
    for (const { stream } of requests) {
      stream.sendHeaders(answerHeaders, false);
      stream.sendData(Buffer.alloc(0), Buffer.alloc(40_000, stream.id), true);
    }
    await world.settle();
    expect([peer.dataOf(1).length, peer.dataOf(3).length]).toEqual([100, 100]);
    peer.send(frame(8, 0, 3, uint32(39_900)));
    await world.settle();
    expect([peer.dataOf(1).length, peer.dataOf(3).length]).toEqual([100, 40_000]);
    expect([requests[0]?.drains, requests[1]?.end]).toEqual([0, { kind: 'done' }]);
    // What is left of the connection's 65,535 bytes is less than what the stream may send.
    peer.send(frame(8, 0, 1, uint32(39_900)));
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(65_535 - 40_000);
    peer.send(frame(8, 0, 0, uint32(100_000)));
    await world.settle();
    expect(peer.dataOf(1).equals(Buffer.alloc(40_000, 1))).toBe(true);
    expect(requests[0]?.end).toEqual({ kind: 'done' });
  });

  test('of the connection are kept to by small frames as well', async () => {
    const { world, peer, requests } = await startServer();
    peer.hello(setting(4, 1_000_000));
    peer.send(peer.headers(1, requestHeaders, 0x5));
    await world.settle();
    const stream = requests[0]?.stream;
    stream?.sendHeaders(answerHeaders, false);
    for (let sent = 0; sent < 70; sent++) {
      stream?.sendData(Buffer.alloc(0), Buffer.alloc(1_000, sent), false);
      await world.settle();
    }
    expect(peer.dataOf(1)).toHaveLength(65_535);
    peer.send(frame(8, 0, 0, uint32(100_000)));
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(70_000);
    expect(peer.dataOf(1).filter((_, at) => at % 1_000 === 999)).toEqual(
      Buffer.from(Array.from({ length: 70 }, (_, at) => at)),
    );
  });

  test('change for open streams when the peer changes its setting, also below zero', async () => {
    const { world, peer, requests } = await startServer();
    peer.hello(setting(4, 100));
    peer.send(peer.headers(1, requestHeaders, 0x5));
    await world.settle();
    const stream = requests[0]?.stream;
    stream?.sendHeaders(answerHeaders, false);
    stream?.sendData(Buffer.alloc(0), Buffer.alloc(200, 1), true);
    await world.settle();
    peer.send(frame(4, 0, 0, setting(4, 50)));
    await world.settle();
    expect(stream?.sendWindowBytes).toBe(-50);
    peer.send(frame(8, 0, 1, uint32(60)));
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(110);
    peer.send(frame(4, 0, 0, setting(4, 1_000)));
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(200);
  });

  test('of this side are opened again as content is consumed, and never without need', async () => {
    const { world, peer } = await startServer({
      ...{ streamWindowBytes: 10_000, connectionWindowBytes: 100_000 },
    });
    peer.hello();
    peer.send(peer.headers(1, requestHeaders));
    await world.settle();
    const updates = (): number[] =>
      peer.frames.filter(({ type }) => type === 8).map(({ streamId }) => streamId);
    const before = updates().length;
    peer.send(frame(0, 0, 1, Buffer.alloc(4_999)));
    await world.settle();
    expect(updates().slice(before)).toEqual([]);
    peer.send(frame(0, 0, 1, Buffer.alloc(1)));
    await world.settle();
    expect(updates().slice(before)).toEqual([1]);
    for (let round = 0; round < 9; round++) peer.send(frame(0, 0, 1, Buffer.alloc(5_000)));
    await world.settle();
    expect(
      updates()
        .slice(before)
        .filter((id) => id === 0),
    ).toHaveLength(1);
  });

  test('that are overrun end the stream, or the connection', async () => {
    const { world, peer } = await startServer({
      ...{ streamWindowBytes: 1_000, connectionWindowBytes: 65_535 },
    });
    peer.hello();
    peer.send(peer.headers(1, requestHeaders), frame(0, 0, 1, Buffer.alloc(1_001)));
    await world.settle();
    expect(peer.resets).toEqual([[1, 3]]);
    // Nobody consumes what is refused, but the window of all must not shrink for it.
    for (let id = 3; id < 200; id += 2) {
      peer.send(peer.headers(id, requestHeaders), frame(0, 0, id, Buffer.alloc(1_001)));
    }
    await world.settle();
    expect(peer.goaways).toEqual([]);
    expect(peer.resets).toHaveLength(100);
  });

  test('grow with the link when they adapt', async () => {
    const site = await startServer({
      ...{ adaptiveWindow: true, streamWindowBytes: 20_000, adaptiveWindowBytesMax: 50_000 },
    });
    const { world, peer, connection } = site;
    peer.hello();
    peer.send(peer.headers(1, requestHeaders), frame(0, 0, 1, Buffer.alloc(8_000)));
    await world.settle();
    peer.send(frame(0, 0, 1, Buffer.alloc(7_000)));
    await world.settle();
    const pings = peer.frames.filter(({ type, flags }) => type === 6 && flags === 0);
    expect(pings).toHaveLength(1);
    peer.send(frame(6, 1, 0, pings[0]?.payload ?? Buffer.alloc(8)));
    await world.settle();
    expect(connection.streamWindowBytes).toBe(30_000);
    const settings = peer.frames.filter(({ type, flags }) => type === 4 && flags === 0);
    expect(settings.at(-1)?.payload).toEqual(setting(4, 30_000));
  });
});

describe('a drain', () => {
  test('tells the last stream, lets those that are open finish, and then closes', async () => {
    const { world, peer, connection, requests } = await startServer();
    peer.hello();
    peer.send(peer.headers(1, requestHeaders, 0x5));
    await world.settle();
    connection.drain();
    peer.send(peer.headers(3, requestHeaders, 0x5));
    await world.settle();
    const [goaway] = peer.frames.filter(({ type }) => type === 7);
    expect([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)]).toEqual([1, 0]);
    expect(peer.resets).toEqual([[3, 7]]);
    expect(peer.hasEnded).toBe(false);
    echo(requests[0] as TestRequest);
    await world.settle();
    expect(peer.dataOf(1)).toHaveLength(1);
    expect(peer.hasEnded).toBe(true);
    expect(requests).toHaveLength(1);
  });

  test('of an idle connection closes it at once', async () => {
    const { world, peer, connection } = await startServer();
    peer.hello();
    await world.settle();
    connection.drain();
    await world.settle();
    expect([peer.goaways, peer.hasEnded]).toEqual([[0], true]);
  });

  // A client takes GOAWAY in the place of SETTINGS for an error of the protocol.
  test('of a connection that has not spoken HTTP/2 yet closes it without a word', async () => {
    const { world, peer, connection } = await startServer();
    connection.drain();
    await world.settle();
    expect([peer.frames, peer.isClosed]).toEqual([[], true]);
  });
});

describe('streams over the limit', () => {
  test('are refused as not processed, and there is room again later', async () => {
    const { world, peer, requests } = await startServer({ maxConcurrentStreams: 2 });
    peer.hello();
    peer.send(...[1, 3, 5].map((id) => peer.headers(id, requestHeaders, 0x5)));
    await world.settle();
    expect(peer.resets).toEqual([[5, 7]]);
    echo(requests[0] as TestRequest);
    peer.send(peer.headers(7, requestHeaders, 0x5));
    await world.settle();
    expect(requests.map(({ stream }) => stream.id)).toEqual([1, 3, 7]);
  });
});

test('headers over the limit are known to the server as such, and the tables agree', async () => {
  const { world, peer, requests } = await startServer({ maxHeaderListBytes: 16_384 }, echo);
  peer.hello();
  const large = [
    ...requestHeaders,
    ...Array.from({ length: 33 }, (_, at) => [`x-${at}`, 'y'.repeat(500)]).flat(),
  ];
  peer.send(peer.headers(1, large, 0x5));
  peer.send(peer.headers(3, requestHeaders, 0x5));
  await world.settle();
  expect(peer.goaways).toEqual([]);
  expect(requests).toHaveLength(2);
});

test('a header block may come in parts, of which each is in a read of its own', async () => {
  const { world, peer, requests } = await startServer({}, echo);
  peer.hello();
  const whole = peer.headers(1, requestHeaders).subarray(9);
  peer.send(frame(1, 1, 1, whole.subarray(0, 5)));
  await world.settle();
  peer.send(frame(9, 0, 1, whole.subarray(5, 8)));
  await world.settle();
  peer.send(frame(9, 4, 1, whole.subarray(8)));
  await world.settle();
  expect(requests[0]?.hasEnded).toBe(true);
  expect(peer.goaways).toEqual([]);
});
