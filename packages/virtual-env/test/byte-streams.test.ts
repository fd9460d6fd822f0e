import type { ByteStream, Service } from '@d-engine/base';
import { StatusError } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import type { ByteStreamOptions } from '../src/index.ts';
import { defaultWorldOptions, VirtualWorld } from '../src/index.ts';
import { ByteRecorder, counted, openPair, text } from './byte-kit.ts';

const withBytes = (
  changed: Partial<ByteStreamOptions>,
): { network: { byteStreams: ByteStreamOptions } } => ({
  network: { byteStreams: { ...defaultWorldOptions.network.byteStreams, ...changed } },
});

describe('a stream of bytes', () => {
  it('carries bytes both ways, and closes in good order when both sides ended', async () => {
    const { world, stream, accepted, here, there } = await openPair();
    stream.write(text('ask '));
    stream.write(text('me'));
    await world.run({ forMs: 100 });
    expect(there.text).toBe('ask me');
    stream.end();
    expect(stream.write(text('after the end'))).toBe(false);
    await world.run({ forMs: 100 });
    expect(there.events).toEqual(['end']);
    accepted.write(text('an answer after your end'));
    accepted.end();
    await world.run({ forMs: 100 });
    expect(here.text).toBe('an answer after your end');
    expect(here.events).toEqual(['open', 'end', 'closed']);
    expect(there.events).toEqual(['end', 'closed']);
    expect(stream.write(text('late'))).toBe(false);
    expect(stream.bufferedBytes).toBe(0);
  });

  it('keeps what was written before it was open', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const there = new ByteRecorder();
    await world.complete(world.host('s').byteNetwork.listen('s:9081', () => there));
    const here = new ByteRecorder();
    const stream = world.host('c').byteNetwork.connect('s:9081', here);
    expect(stream.write(text('early'))).toBe(true);
    expect(stream.write(counted(20_000))).toBe(false);
    expect(stream.bufferedBytes).toBe(20_005);
    stream.end();
    expect(here.events).toEqual([]);
    await world.run({ forMs: 100 });
    expect(there.bytes.length).toBe(20_005);
    expect(there.events).toEqual(['end']);
    expect(here.drains).toBe(1);
  });

  it('may be written to by the serving side first', async () => {
    const greet = (stream: ByteStream): ByteRecorder => {
      stream.write(text('hello'));
      return new ByteRecorder();
    };
    // Of some seeds the greeting overtakes the news that the connection stands.
    for (let seed = 1; seed <= 20; seed++) {
      const world = new VirtualWorld({ seed });
      await world.complete(world.host('s').byteNetwork.listen('s:9081', greet));
      const here = new ByteRecorder();
      here.onBytesDo = () => expect(here.events).toEqual(['open']);
      world.host('c').byteNetwork.connect('s:9081', here);
      await world.run({ forMs: 100 });
      expect(here.text).toBe('hello');
    }
  });

  it('knows by which address each side was reached', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const hosts: unknown[] = [];
    const server = world.host('s', { aliases: ['10.0.0.1'] });
    const listening = server.byteNetwork.listen('0.0.0.0:0', (stream) => {
      hosts.push(stream.localHost);
      return new ByteRecorder();
    });
    const { address } = await world.complete(listening);
    expect(address).toMatch(/^0\.0\.0\.0:[1-9]\d*$/);
    const port = address.split(':')[1];
    const client = world.host('c').byteNetwork;
    const stream = client.connect(`10.0.0.1:${port}`, new ByteRecorder());
    await world.run({ forMs: 100 });
    expect([...hosts, stream.localHost]).toEqual(['10.0.0.1', 'c']);
  });

  it('stops when it is paused, the end with it, and goes on when it is resumed', async () => {
    const { world, stream, accepted, there } = await openPair();
    accepted.pause();
    stream.write(text('wait'));
    stream.end();
    await world.run({ forMs: 100 });
    expect(there.text).toBe('');
    expect(there.events).toEqual([]);
    accepted.resume();
    expect(there.text).toBe('');
    await world.run({ forMs: 100 });
    expect(there.text).toBe('wait');
    expect(there.events).toEqual(['end']);
  });

  it('lends what it brings: a receiver that keeps it sees it overwritten', async () => {
    const { world, stream, there } = await openPair();
    const kept: Uint8Array[] = [];
    there.onBytesDo = (bytes) => kept.push(bytes);
    stream.write(counted(100));
    await world.run({ forMs: 100 });
    expect(there.bytes).toEqual(counted(100));
    expect(Buffer.concat(kept)).toEqual(Buffer.alloc(100, 0xdb));
  });

  it('finds out a writer that changes bytes after the write', async () => {
    const { world, stream } = await openPair();
    const bytes = counted(100);
    stream.write(bytes);
    bytes[50] = 255;
    await expect(world.run({ forMs: 100 })).rejects.toThrow('bytes were changed');
  });
});

describe('back-pressure', () => {
  it('says when the receiver is behind, holds what it took, tells when it caught up', async () => {
    const windowBytes = 10_000;
    const options = withBytes({ sendBufferBytes: 2_000, windowBytes });
    const { world, stream, accepted, here, there } = await openPair(options);
    accepted.pause();
    let written = 0;
    while (stream.write(counted(500, written))) written += 500;
    written += 500;
    expect(written).toBe(windowBytes + 2_500);
    expect(stream.bufferedBytes).toBe(2_500);
    await world.run({ forMs: 100 });
    expect(stream.bufferedBytes).toBe(2_500);
    expect(here.drains).toBe(0);
    accepted.resume();
    await world.run({ forMs: 100 });
    expect(stream.bufferedBytes).toBe(0);
    expect(here.drains).toBe(1);
    expect(there.bytes).toEqual(counted(written));
  });

  it('lets no more pass a cut than the window, even while its reader reads', async () => {
    const options = withBytes({ windowBytes: 10_000 });
    const { world, client, server, stream, there } = await openPair(options);
    world.cut(server, client);
    for (let count = 0; count < 50; count++) {
      stream.write(counted(1_000, count * 1_000));
      await world.run({ forMs: 10 });
    }
    expect(there.bytes.length).toBe(10_000);
    world.heal();
    await world.run({ forMs: 500 });
    expect(there.bytes).toEqual(counted(50_000));
  });

  it('takes as long as the line needs', async () => {
    const network = { ...withBytes({}).network, bytesPerMs: 1_000 };
    const { world, stream, there } = await openPair({ network });
    const startMs = world.nowMs;
    for (let count = 0; count < 100; count++) stream.write(counted(1_000));
    await world.run({ until: () => there.bytes.length === 100_000, limitMs: 1_000 });
    expect(world.nowMs - startMs).toBeGreaterThan(100);
    expect(world.nowMs - startMs).toBeLessThan(110);
  });
});

describe('pieces', () => {
  it('are cut anywhere and put together anyhow, as the seed says', async () => {
    const lengths = new Set<number>();
    const { world, stream, there } = await openPair(
      withBytes({ splitProbability: 1, coalesceProbability: 0.5 }),
    );
    for (let count = 0; count < 200; count++) {
      stream.write(counted(100, count * 100));
      await world.run({ forMs: 0.1 });
    }
    await world.run({ forMs: 100 });
    expect(there.bytes).toEqual(counted(20_000));
    for (const piece of there.pieces) lengths.add(piece.length);
    expect(lengths).toContain(1);
    expect(lengths.size).toBeGreaterThan(60);
    expect(Math.max(...lengths)).toBeGreaterThan(200);
  });

  it('are single bytes in a row now and then', async () => {
    const { world, stream, there } = await openPair(
      withBytes({ splitProbability: 1, coalesceProbability: 0 }),
    );
    for (let count = 0; count < 20; count++) {
      stream.write(counted(100, count * 100));
      await world.run({ forMs: 10 });
    }
    expect(there.bytes).toEqual(counted(2_000));
    const singles = there.pieces.filter((piece) => piece.length === 1);
    expect(singles.length).toBeGreaterThan(100);
  });

  it('stay whole when the seed may not cut them', async () => {
    const { world, stream, there } = await openPair(
      withBytes({ splitProbability: 0, coalesceProbability: 0 }),
    );
    for (let count = 0; count < 10; count++) {
      stream.write(counted(100));
      await world.run({ forMs: 10 });
    }
    expect(there.pieces.map((piece) => piece.length)).toEqual(
      Array.from({ length: 10 }, () => 100),
    );
  });
});

describe('listening', () => {
  it('shares its ports with the network of messages, and speaks to its own kind only', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const { byteNetwork, env } = world.host('s');
    const service: Service = {
      onCall: (call) => call.reply(call.request),
      onStream: () => ({ status: 'unimplemented', message: 'calls only' }),
    };
    await world.complete(byteNetwork.listen('s:1', () => new ByteRecorder()));
    await world.complete(env.network.listen('s:2', service));
    const taken = { status: 'unavailable' };
    await expect(byteNetwork.listen('s:1', () => new ByteRecorder())).rejects.toMatchObject(taken);
    await expect(byteNetwork.listen('s:2', () => new ByteRecorder())).rejects.toMatchObject(taken);
    await expect(byteNetwork.listen('x:3', () => new ByteRecorder())).rejects.toMatchObject(taken);
    const here = new ByteRecorder();
    world.host('c').byteNetwork.connect('s:2', here);
    const call = env.network.connect('s:1').call('t/Call', text(''), { deadlineMs: 100 });
    await expect(world.complete(call)).rejects.toMatchObject({ status: 'unavailable' });
    await world.run({ forMs: 100 });
    expect(here.events).toEqual(['lost']);
  });

  it('ends with the listener; streams that are open stay', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const there = new ByteRecorder();
    const network = world.host('s').byteNetwork;
    const listener = await world.complete(network.listen('s:9081', () => there));
    const first = new ByteRecorder();
    const second = new ByteRecorder();
    const client = world.host('c').byteNetwork;
    const stream = client.connect('s:9081', first);
    await world.run({ forMs: 100 });
    await world.complete(Promise.all([listener.close(), listener.close()]));
    client.connect('s:9081', second);
    stream.write(text('still here'));
    await world.run({ forMs: 100 });
    expect(there.text).toBe('still here');
    expect(second.events).toEqual(['lost']);
    expect(second.error).toBeInstanceOf(StatusError);
    expect(second.error).toMatchObject({ status: 'unavailable', mayHaveBeenSent: false });
    const again = await world.complete(network.listen('s:9081', () => there));
    expect(again.address).toBe('s:9081');
  });

  it('on the loopback is for the host itself', async () => {
    const world = new VirtualWorld({ seed: 1 });
    const { byteNetwork } = world.host('s');
    const there = new ByteRecorder();
    await world.complete(byteNetwork.listen('127.0.0.1:9081', () => there));
    const own = new ByteRecorder();
    const foreign = new ByteRecorder();
    byteNetwork.connect('localhost:9081', own).write(text('me'));
    world.host('c').byteNetwork.connect('s:9081', foreign);
    await world.run({ forMs: 100 });
    expect(own.events).toEqual(['open']);
    expect(there.text).toBe('me');
    expect(foreign.events).toEqual(['lost']);
  });
});
