import { describe, expect, it } from 'vitest';
import { defaultWorldOptions, VirtualWorld } from '../src/index.ts';
import { ByteRecorder, counted, openPair, text } from './byte-kit.ts';

const { resetAfterMs } = defaultWorldOptions.network;
/** After it nobody still waits for the other side. */
const patienceMs = resetAfterMs.max + 100;

describe('destroying a stream', () => {
  it('drops what the kernel does not have; the rest arrives, then the end', async () => {
    const { byteStreams } = defaultWorldOptions.network;
    const network = { byteStreams: { ...byteStreams, windowBytes: 10_000 } };
    const { world, stream, here, there } = await openPair({ network });
    stream.write(counted(15_000));
    expect(stream.bufferedBytes).toBe(5_000);
    stream.destroy();
    stream.destroy();
    expect(stream.bufferedBytes).toBe(0);
    expect(here.events).toEqual(['open']);
    await world.run({ forMs: 100 });
    expect(here.events).toEqual(['open', 'lost']);
    expect(here.error).toMatchObject({ status: 'cancelled', mayHaveBeenSent: true });
    expect(there.bytes).toEqual(counted(10_000));
    expect(there.events).toEqual(['end']);
  });

  it('answers what still comes with a reset', async () => {
    const { world, stream, accepted, there } = await openPair();
    stream.destroy();
    await world.run({ forMs: 100 });
    expect(there.events).toEqual(['end']);
    accepted.write(text('is anybody there?'));
    await world.run({ forMs: 100 });
    expect(there.events).toEqual(['end', 'lost']);
    expect(there.error).toMatchObject({ status: 'unavailable' });
  });

  it('with bytes unread is a reset at once', async () => {
    const { world, stream, accepted, there } = await openPair();
    stream.pause();
    accepted.write(text('nobody reads this'));
    await world.run({ forMs: 100 });
    stream.destroy();
    await world.run({ forMs: 100 });
    expect(there.events).toEqual(['lost']);
  });

  it('before it is open leaves nothing behind on either side', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const there: ByteRecorder[] = [];
    const onConnection = (): ByteRecorder => {
      there.push(new ByteRecorder());
      return there.at(-1) as ByteRecorder;
    };
    await world.complete(world.host('s').byteNetwork.listen('s:9081', onConnection));
    const here: ByteRecorder[] = [];
    for (let delayMs = 0; delayMs < 1.2; delayMs += 0.02) {
      const handler = new ByteRecorder();
      here.push(handler);
      const stream = world.host('c').byteNetwork.connect('s:9081', handler);
      await world.run({ forMs: delayMs });
      stream.destroy();
    }
    await world.run({ forMs: 100 });
    expect(there.length).toBeGreaterThan(10);
    expect(here.some((handler) => !handler.events.includes('open'))).toBe(true);
    for (const handler of here) expect(handler.events.at(-1)).toBe('lost');
    for (const handler of there) expect(['end', 'lost']).toContain(handler.events.at(-1));
  });
});

describe('a process that dies', () => {
  it('leaves to its kernel what it wrote, and an end; whoever writes back is reset', async () => {
    const { world, server, stream, accepted, here } = await openPair();
    accepted.write(text('last words'));
    server.crash();
    await world.run({ forMs: 100 });
    expect(here.text).toBe('last words');
    expect(here.events).toEqual(['open', 'end']);
    server.restart();
    stream.write(text('are you there?'));
    await world.run({ forMs: 100 });
    expect(here.events).toEqual(['open', 'end', 'lost']);
  });

  it('resets the stream if it had not read what came', async () => {
    const { world, server, stream, accepted, here, there } = await openPair();
    accepted.pause();
    stream.write(text('unread'));
    await world.run({ forMs: 100 });
    server.crash();
    await world.run({ forMs: 100 });
    expect(here.events).toEqual(['open', 'lost']);
    expect(there.events).toEqual([]);
  });

  it('resets the stream if bytes were on their way to it', async () => {
    const { world, server, stream, here } = await openPair();
    stream.write(text('too late'));
    server.crash();
    await world.run({ forMs: 100 });
    expect(here.events.at(-1)).toBe('lost');
  });

  it('hears and does nothing any more', async () => {
    const { world, client, stream, here, there, accepted } = await openPair();
    client.crash();
    expect(stream.write(text('from the grave'))).toBe(false);
    stream.end();
    stream.destroy();
    stream.resume();
    accepted.write(text('to the grave'));
    await world.run({ forMs: patienceMs });
    expect(here.events).toEqual(['open']);
    expect(here.text).toBe('');
    expect(there.text).toBe('');
    expect(there.events.at(-1)).toBe('lost');
    expect(() => client.byteNetwork).toThrow('is down');
  });

  it('with its machine is silent, until that is noticed', async () => {
    const { world, server, stream, here } = await openPair();
    stream.write(text('hello?'));
    server.crash({ powerLoss: true });
    expect(await world.run({ until: () => here.closed, limitMs: patienceMs })).toBe(true);
    expect(here.events).toEqual(['open', 'lost']);
  });

  it('with its machine is noticed at once when that is back', async () => {
    const { world, server, here } = await openPair({}, 4);
    server.crash({ powerLoss: true });
    await world.run({ forMs: 10 });
    expect(here.events).toEqual(['open']);
    server.restart();
    await world.run({ forMs: 10 });
    expect(here.events).toEqual(['open', 'lost']);
  });
});

describe('a host that stands still', () => {
  it('paused or stalled reads later, all of it and in order', async () => {
    const { world, server, stream, there } = await openPair();
    server.pause();
    stream.write(counted(1_000));
    await world.run({ forMs: 100 });
    server.resume();
    server.stall(100);
    stream.write(counted(1_000, 1_000));
    await world.run({ forMs: 50 });
    expect(there.pieces).toEqual([]);
    await world.run({ forMs: 100 });
    expect(there.bytes).toEqual(counted(2_000));
  });

  it('asleep for long is given up, and finds its streams gone when it wakes', async () => {
    const { world, server, here, there } = await openPair();
    server.suspend(2 * patienceMs);
    await world.run({ forMs: patienceMs });
    expect(here.events).toEqual(['open', 'lost']);
    await world.run({ forMs: 2 * patienceMs });
    expect(there.events).toEqual(['lost']);
  });
});

describe('a link', () => {
  it.each(['there', 'back'])('that is cut one way (%s) stops bytes, then breaks', async (way) => {
    const { world, client, server, stream, accepted, here, there } = await openPair();
    if (way === 'there') world.cut(client, server);
    else world.cut(server, client);
    stream.write(text('there'));
    accepted.write(text('back'));
    const cutMs = world.nowMs;
    await world.run({ forMs: resetAfterMs.min - 100 });
    expect(there.text).toBe(way === 'there' ? '' : 'there');
    expect(here.text).toBe(way === 'there' ? 'back' : '');
    expect([here.closed, there.closed]).toEqual([false, false]);
    const bothGone = (): boolean => here.closed && there.closed;
    expect(await world.run({ until: bothGone, limitMs: patienceMs })).toBe(true);
    expect(world.nowMs - cutMs).toBeLessThan(resetAfterMs.max + 10);
    expect([here.events.at(-1), there.events.at(-1)]).toEqual(['lost', 'lost']);
    world.heal();
    await world.run({ forMs: 100 });
    expect(there.text).toBe(way === 'there' ? '' : 'there');
  });

  it('that heals in time lost nothing', async () => {
    const { world, client, server, stream, there } = await openPair();
    world.partition([[client], [server]]);
    stream.write(counted(5_000));
    stream.end();
    await world.run({ forMs: 1_000 });
    expect(there.pieces).toEqual([]);
    world.heal();
    await world.run({ forMs: 100 });
    expect(there.bytes).toEqual(counted(5_000));
    expect(there.events).toEqual(['end']);
  });

  it('that is cut lets nobody connect', async () => {
    const { world, client, server } = await openPair();
    world.cut(server, client);
    const handler = new ByteRecorder();
    client.byteNetwork.connect('s:9081', handler);
    await world.run({ forMs: defaultWorldOptions.network.connectTimeoutMs + 10 });
    expect(handler.events).toEqual(['lost']);
    expect(handler.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
  });

  it('that is clogged or loses pieces delays bytes and keeps their order', async () => {
    const byteStreams = { ...defaultWorldOptions.network.byteStreams, lossProbability: 0.5 };
    const { world, client, server, stream, there } = await openPair({ network: { byteStreams } });
    world.clog(client, server, { min: 50, max: 100 });
    const startMs = world.nowMs;
    for (let count = 0; count < 10; count++) stream.write(counted(100, 100 * count));
    await world.run({ forMs: 49 });
    expect(there.pieces).toEqual([]);
    expect(world.countOf('bytesLost')).toBeGreaterThan(1);
    await world.run({ until: () => there.bytes.length === 1_000, limitMs: 10_000 });
    expect(there.bytes).toEqual(counted(1_000));
    expect(world.nowMs - startMs).toBeGreaterThan(byteStreams.retransmitMs.min);
  });

  it('that is reset breaks the stream on both sides', async () => {
    const { world, client, server, here, there } = await openPair();
    world.reset(client, server);
    await world.run({ forMs: 100 });
    expect([here.events, there.events]).toEqual([['open', 'lost'], ['lost']]);
  });

  it('that resets by chance breaks the stream at a write', async () => {
    const { world, stream, here, there } = await openPair({ network: { resetProbability: 1 } });
    await world.run({ forMs: 100 });
    expect(here.closed).toBe(false);
    stream.write(text('the last'));
    await world.run({ forMs: 100 });
    expect([here.events.at(-1), there.events.at(-1)]).toEqual(['lost', 'lost']);
  });
});
