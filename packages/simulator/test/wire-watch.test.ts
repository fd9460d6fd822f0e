import type { ByteNetwork, ByteStream, ByteStreamHandler } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { GrpcNetwork } from '@d-engine/wire';
import { expect, test } from 'vitest';
import { findComplaint, WireWatch } from '../src/wire-watch.ts';

function frame(type: number, payload: readonly number[]): Buffer {
  return Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, 0, ...payload]);
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = frame(4, [0, 4, 0, 0, 1, 0]);
const goaway = (code: number, reason = ''): Buffer =>
  frame(7, [0, 0, 0, 0, 0, 0, 0, code, ...Buffer.from(reason)]);
const reset = (code: number): Buffer => frame(3, [0, 0, 0, code]);

test.each([
  [Buffer.concat([preface, settings, goaway(9, 'no field')]), 'GOAWAY COMPRESSION_ERROR no field'],
  [Buffer.concat([settings, reset(3), settings]), 'RST_STREAM FLOW_CONTROL_ERROR'],
  [Buffer.concat([reset(8), goaway(1)]), 'GOAWAY PROTOCOL_ERROR '],
  [goaway(11, 'too many of them'), 'GOAWAY ENHANCE_YOUR_CALM too many of them'],
  // What is said in good faith: it goes away, gave up, has no room, or the link is slow.
  [Buffer.concat([preface, settings]), undefined],
  [Buffer.concat([goaway(0), reset(0), reset(7), reset(8), reset(11)]), undefined],
  [goaway(11, 'headers not complete within 10000 ms'), undefined],
])('what a side writes is looked through for complaints: %#', (bytes, complaint) => {
  expect(findComplaint(bytes)).toBe(complaint);
});

test('a write that is not of whole frames is a defect of the watch, and said', () => {
  expect(() => findComplaint(settings.subarray(0, 12))).toThrow('ends within a frame');
});

/** Says something of its own first. */
function speaksFirst(inner: ByteNetwork, words: Uint8Array): ByteNetwork {
  const speak = (stream: ByteStream): ByteStream => {
    stream.write(words);
    return stream;
  };
  return {
    listen: (address, onConnection) => inner.listen(address, (stream) => onConnection(stream)),
    connect: (address, handler: ByteStreamHandler) => speak(inner.connect(address, handler)),
  };
}

test('a server that is spoken to out of order complains, and a healthy one does not', async () => {
  const world = new VirtualWorld({ seed: 1 });
  const told: string[] = [];
  const watched = (name: string): WireWatch =>
    new WireWatch(name, world.host(name).byteNetwork, (text) => told.push(text));
  const server = new GrpcNetwork(world.host('n1').env, watched('n1'));
  const service = {
    onCall: (call: { reply(bytes: Uint8Array): void }): void => call.reply(Buffer.from('yes')),
    onStream: () => ({ status: 'unimplemented', message: '' }) as const,
  };
  await world.complete(server.listen('n1:1', service));
  const ask = async (bytes: ByteNetwork): Promise<string> => {
    const channel = new GrpcNetwork(world.host('c').env, bytes).connect('n1:1');
    const answer = channel.call('some.Service/Call', Buffer.alloc(0), { deadlineMs: 1_000 });
    return world.complete(answer).then(({ message }) => Buffer.from(message).toString());
  };
  expect(await ask(watched('c'))).toBe('yes');
  expect(told).toEqual([]);
  // A whole preface and SETTINGS, then what is no first frame of the client's real ones.
  const strange = Buffer.concat([preface, settings]);
  await expect(ask(speaksFirst(world.host('c').byteNetwork, strange))).rejects.toThrow(
    'takes no new calls',
  );
  expect(told).toEqual([expect.stringMatching(/^n1 told a caller: GOAWAY \w+_ERROR /)]);
});
