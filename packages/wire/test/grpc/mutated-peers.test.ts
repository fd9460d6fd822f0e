import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scaled } from '../../../../tools/test-scale.ts';
import { RawPeer } from '../http2/raw-peer.ts';
import { address, deadlineMs, echo, Recorder, startSite, streamEcho, watch } from './grpc-kit.ts';

// What real connections sent, with some of it changed: the other side must neither fall over nor
// keep anything, and goes on serving others.

const numRuns = scaled({ gate: 1_000, long: 100_000 });

/** Both directions of a connection with a few calls and a stream. */
async function record(): Promise<{ readonly client: Buffer; readonly server: Buffer }> {
  const { world, network, service } = await startSite();
  const channel = network.connect(address);
  const metadata = { 'x-some': 'metadata', 'x-more': 'of it' };
  watch(channel.call(echo, Buffer.from('first'), { deadlineMs }));
  await world.settle();
  watch(channel.call(echo, Buffer.alloc(300, 1), { deadlineMs, metadata }));
  watch(channel.call('test.Service/Never', Buffer.alloc(10), { deadlineMs: 100 }));
  const stream = channel.openStream(streamEcho, new Recorder());
  stream.send(Buffer.alloc(40_000, 2));
  stream.send(Buffer.alloc(3));
  await world.advance(200);
  stream.end();
  service.streams[0]?.stream.end();
  await world.settle();
  const [pair] = world.bytes.pairs;
  const all = (parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);
  return { client: all(pair?.client.written ?? []), server: all(pair?.server.written ?? []) };
}

interface Mutation {
  readonly at: number;
  readonly kind: 'set' | 'insert' | 'drop' | 'repeat';
  readonly bytes: Uint8Array;
}

const mutations = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    kind: fc.constantFrom('set' as const, 'insert' as const, 'drop' as const, 'repeat' as const),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 6 },
);

function mutate(bytes: Buffer, list: readonly Mutation[], keep: number): Buffer {
  let changed = bytes;
  for (const { at, kind, bytes: more } of list) {
    // Heads and small frames are what matters, and most of them are early.
    const place = keep + Math.floor(at * at * (changed.length - keep));
    const before = changed.subarray(0, place);
    const after = changed.subarray(place);
    if (kind === 'set') changed = Buffer.concat([before, more, after.subarray(more.length)]);
    else if (kind === 'insert') changed = Buffer.concat([before, more, after]);
    else if (kind === 'drop') changed = Buffer.concat([before, after.subarray(more.length)]);
    else changed = Buffer.concat([before, after.subarray(0, 40), after]);
  }
  return changed;
}

test('a server survives whatever a client sends, and serves the next one', async () => {
  const { client } = await record();
  await fc.assert(
    fc.asyncProperty(mutations, fc.boolean(), async (list, staysOpen) => {
      const { world, network, listener, service } = await startSite();
      const peer = new RawPeer();
      peer.stream = world.bytes.connect(address, peer);
      peer.stream.write(mutate(client, list, 24));
      if (!staysOpen) peer.stream.end();
      world.runEvents();
      await world.advance(30_000);
      for (const { stream } of service.streams) stream.reset({ status: 'aborted', message: '' });
      peer.stream.destroy();
      await world.settle();
      for (const { recorder } of service.streams) expect(recorder.closes).toHaveLength(1);
      const honest = watch(network.connect(address).call(echo, Buffer.from('x'), { deadlineMs }));
      await world.settle();
      expect(honest.message).toHaveLength(1);
      expect(listener.heldBytes).toEqual({ requests: 0, answers: 0 });
    }),
    { numRuns },
  );
});

test('a channel survives whatever a server sends, and every call has one outcome', async () => {
  const { server } = await record();
  await fc.assert(
    fc.asyncProperty(mutations, async (list) => {
      const { world, network } = await startSite();
      const peer = new RawPeer();
      await world.bytes.listen('raw:1', (stream) => {
        peer.stream = stream;
        return peer;
      });
      const channel = network.connect('raw:1');
      const outcomes = [1, 2].map(() => watch(channel.call(echo, Buffer.alloc(9), { deadlineMs })));
      const recorder = new Recorder();
      const stream = channel.openStream(streamEcho, recorder);
      world.runEvents();
      const sent = mutate(server, list, 0);
      // SETTINGS first, so that the requests are there when the answers come.
      peer.stream.write(sent.subarray(0, 60));
      await world.settle();
      peer.stream.write(sent.subarray(60));
      await world.advance(deadlineMs + 1);
      stream.reset({ status: 'aborted', message: '' });
      await world.settle();
      for (const outcome of outcomes) {
        expect([outcome.message, outcome.error].filter((one) => one !== undefined)).toHaveLength(1);
      }
      expect(recorder.closes).toHaveLength(1);
      channel.close();
      await world.advance(5_000);
    }),
    { numRuns },
  );
});
