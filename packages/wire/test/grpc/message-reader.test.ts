import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageReader, prefixOf, RefusedMessage } from '../../src/grpc/message-reader.ts';

const framed = (message: Uint8Array): Buffer => Buffer.concat([prefixOf(message), message]);

test('messages are the same wherever their bytes are cut, and are copies', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 2_000 }), { maxLength: 6 });
  const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(messages, cuts, (sent, lengths) => {
      const reader = new MessageReader(2_000, undefined);
      const bytes = Buffer.concat(sent.map(framed));
      const seen: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = lengths[turn % lengths.length] as number;
        const lent = Buffer.from(bytes.subarray(at, at + length));
        reader.feed(lent, 0, lent.length);
        for (let one = reader.take(); one !== undefined; one = reader.take()) seen.push(one);
        lent.fill(0xee);
        at += length;
      }
      expect(seen.map((one) => [...one])).toEqual(sent.map((one) => [...one]));
      expect(reader.isEmpty).toBe(true);
    }),
  );
});

test('what was not taken is given back', () => {
  const reader = new MessageReader(100, undefined);
  const bytes = Buffer.concat(['a', 'bc', 'def'].map((text) => framed(Buffer.from(text))));
  reader.feed(bytes, 0, bytes.length);
  expect(reader.take()?.toString()).toBe('a');
  const rest = reader.rest();
  expect(rest).toEqual(bytes.subarray(6));
  reader.feed(rest, 0, rest.length);
  expect([reader.take()?.toString(), reader.take()?.toString()]).toEqual(['bc', 'def']);
});

test('a claim of a large message takes little memory until its bytes come', () => {
  const reader = new MessageReader(4_000_000, undefined);
  const message = Buffer.alloc(4_000_000, 3);
  const bytes = framed(message);
  reader.feed(bytes, 0, 6);
  expect(reader.take()).toBeUndefined();
  expect(reader.heldBytes).toBe(65_536);
  reader.feed(bytes, 6, 70_000);
  expect(reader.take()).toBeUndefined();
  expect(reader.heldBytes).toBe(4_000_000);
  reader.feed(bytes, 70_000, bytes.length);
  expect(reader.take()?.equals(message)).toBe(true);
});

test.each([
  ['too large a prefix', [0, 0, 0, 1, 0], undefined, 'resourceExhausted'],
  ['an unknown flag', [2, 0, 0, 0, 0], undefined, 'internal'],
  ['packed without an encoding', [1, 0, 0, 0, 0], undefined, 'internal'],
  ['packed by identity', [1, 0, 0, 0, 0], 'identity', 'internal'],
  ['packed by who knows what', [1, 0, 0, 0, 0], 'zstd', 'unimplemented'],
])('%s is refused', (_, prefix, encoding, status) => {
  const reader = new MessageReader(255, encoding);
  reader.feed(Buffer.from(prefix), 0, 5);
  try {
    reader.take();
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(RefusedMessage);
    expect((error as RefusedMessage).failure.status).toBe(status);
  }
});
