import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HeaderList } from '../../src/hpack/header-list.ts';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../src/hpack/hpack-encoder.ts';
import { headerList, hex } from './header-lists.ts';

const options = { maxTableBytes: 4096, maxHeaderListBytes: 1e9 };
const text = (block: Uint8Array): string => Buffer.from(block).toString('hex');

/** Encodes the same list so often that whatever is worth a place has one. */
function settled(list: HeaderList, encoder = new HpackEncoder(options)): Uint8Array {
  for (let round = 0; round < 3; round++) encoder.encode(list);
  return encoder.encode(list);
}

describe('a decoder gets back what was encoded', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: headerList },
    { weight: 1, arbitrary: fc.constantFrom(0, 40, 128, 4095, 4096, 65_536) },
  );
  const steps = fc.array(step, { maxLength: 30 });

  test.each([0, 100, 4096, 10_000])(
    'whatever the lists and the limits of the peer, with a table of %i bytes of its own',
    (maxTableBytes) => {
      fc.assert(
        fc.property(steps, (parts) => {
          const encoder = new HpackEncoder({ maxTableBytes });
          const decoder = new HpackDecoder(options);
          for (const part of parts) {
            if (typeof part === 'number') {
              encoder.setMaxTableBytes(part);
              decoder.setMaxTableBytes(part);
            } else {
              expect(decoder.decode(encoder.encode(part))).toEqual(part);
            }
          }
        }),
        { numRuns: 200 },
      );
    },
  );

  test('a thousand different fields, through a table that holds twenty', () => {
    const encoder = new HpackEncoder({ maxTableBytes: 1_000 });
    const decoder = new HpackDecoder(options);
    for (let round = 0; round < 3_000; round++) {
      const list = ['user-agent', `agent-${(round * 7) % 1_000}`, 'te', `${round % 30}`];
      expect(decoder.decode(encoder.encode(list))).toEqual(list);
    }
  });
});

describe('what gets a place in the table', () => {
  const call = (path: string): HeaderList => [':method', 'POST', ':scheme', 'http', ':path', path];

  test('a steady field at once, any other one when its value comes again', () => {
    const encoder = new HpackEncoder(options);
    expect(text(encoder.encode(['user-agent', 'a']))).toBe('7a0161');
    expect(text(encoder.encode(['user-agent', 'a']))).toBe('be');

    expect(text(encoder.encode(['x-a', '1']))).toBe('0003782d610131');
    expect(text(encoder.encode(['x-a', '1']))).toBe('4003782d610131');
    expect(text(encoder.encode(['x-a', '1']))).toBe('be');
    expect(text(encoder.encode(['x-a', '2']))).toBe('0f2f0132');
  });

  test('the path of a method that is called again, not one that varies', () => {
    expect(settled(call('/p.S/Method')).length).toBe(3);
    const encoder = new HpackEncoder(options);
    for (let round = 0; round < 100; round++) encoder.encode(call(`/keys/${round}`));
    expect(text(encoder.encode(['user-agent', 'a']))).toBe('7a0161');
    expect(text(encoder.encode(['user-agent', 'a']))).toBe('be');
    expect(encoder.encode(call('/keys/7')).length).toBeGreaterThan(3);
  });

  test.each(['grpc-timeout', 'grpc-message', 'content-length', 'date', 'x-request-id'])(
    'never %s: it is another one each time',
    (name) => {
      const block = settled([name, 'value-of-it']);
      expect((block[0] as number) >> 4).toBe(0);
      expect(block.length).toBeGreaterThan(8);
    },
  );

  test.each(['authorization', 'cookie', 'set-cookie', 'proxy-authorization'])(
    '%s is marked as never to be indexed by anyone',
    (name) => {
      expect((settled([name, 'secret'])[0] as number) >> 4).toBe(1);
    },
  );

  test('names may be marked as secret', () => {
    const encoder = new HpackEncoder({ ...options, secretNames: new Set(['x-token', 'te']) });
    expect((settled(['x-token', 'secret'], encoder)[0] as number) >> 4).toBe(1);
    expect((settled(['te', 'secret'], encoder)[0] as number) >> 4).toBe(1);
    expect((settled(['x-other', 'value'], encoder)[0] as number) >> 7).toBe(1);
  });

  test('nothing that would take more than half of the table', () => {
    const encoder = new HpackEncoder({ maxTableBytes: 200 });
    expect((settled(['te', 'x'.repeat(66)], encoder)[0] as number) >> 7).toBe(1);
    expect((settled(['te', 'x'.repeat(67)], encoder)[0] as number) >> 4).toBe(0);
  });
});

describe('the size of the table', () => {
  const agent = ['user-agent', 'a'];

  test('is announced once when this side wants less than the protocol begins with', () => {
    const encoder = new HpackEncoder({ maxTableBytes: 10 });
    expect(text(encoder.encode([':method', 'GET']))).toBe('2a82');
    expect(text(encoder.encode([':method', 'GET']))).toBe('82');
  });

  test('follows the peer down, not above what this side wants', () => {
    const encoder = new HpackEncoder(options);
    encoder.encode(agent);
    encoder.setMaxTableBytes(10);
    expect(text(encoder.encode(agent))).toBe('2a0f2b0161');
    encoder.setMaxTableBytes(100_000);
    expect(text(encoder.encode(agent))).toBe('3fe11f7a0161');
    encoder.setMaxTableBytes(50_000);
    expect(text(encoder.encode(agent))).toBe('be');
  });

  test('goes through the smallest that the peer set between two blocks', () => {
    const encoder = new HpackEncoder(options);
    for (const bytes of [30, 10, 20, 8_192]) encoder.setMaxTableBytes(bytes);
    expect(text(encoder.encode([':method', 'GET']))).toBe('2a3fe11f82');
    for (const bytes of [10, 20]) encoder.setMaxTableBytes(bytes);
    expect(text(encoder.encode([':method', 'GET']))).toBe('2a3482');
  });

  test('a block that was known before does without no size update', () => {
    const encoder = new HpackEncoder(options);
    settled(agent, encoder);
    for (const bytes of [0, 4096]) encoder.setMaxTableBytes(bytes);
    expect(text(encoder.encode(agent))).toBe('203fe11f7a0161');
    expect(text(encoder.encode(agent))).toBe('be');
  });
});

test('a list that cannot be encoded leaves nothing behind in the blocks of others', () => {
  const broken = (): Uint8Array => new HpackEncoder(options).encode(['te', 'fine', 'te', '\u0100']);
  expect(broken).toThrow('a character that is not one byte');
  expect(new HpackEncoder(options).encode([':method', 'GET'])).toEqual(new Uint8Array(hex('82')));
});
