import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HeaderList } from '../../src/hpack/header-list.ts';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../src/hpack/hpack-encoder.ts';
import { headerList, hex } from './header-lists.ts';

const options = { maxTableBytes: 4096, maxHeaderListBytes: 100_000 };

/** Decodes so often that the decoder knows the block. */
function known(decoder: HpackDecoder, block: Uint8Array): HeaderList {
  for (let round = 0; round < 3; round++) decoder.decode(block);
  return decoder.decode(block) as HeaderList;
}

describe('decoding', () => {
  const block = hex('82 00 01 61 01 62');

  test('a block that repeats gives the same frozen list again', () => {
    const decoder = new HpackDecoder(options);
    const list = known(decoder, block);
    expect(list).toEqual([':method', 'GET', 'a', 'b']);
    expect(Object.isFrozen(list)).toBe(true);
    expect(decoder.decode(Uint8Array.from(block))).toBe(list);
    expect(decoder.decode(hex('82 00 01 61 01 63'))).toEqual([':method', 'GET', 'a', 'c']);
    expect(decoder.decode(block)).toBe(list);
  });

  test('the bytes are copied: the memory of a socket is used again', () => {
    const decoder = new HpackDecoder(options);
    const memory = Buffer.from(block);
    known(decoder, memory);
    // Whatever comes next in this memory, in the same slot of the cache or in another one.
    for (let next = 0; next < 256; next++) {
      memory[5] = next;
      expect(decoder.decode(memory)).toEqual([':method', 'GET', 'a', String.fromCharCode(next)]);
    }
  });

  test('a block means something else once the table has changed', () => {
    const decoder = new HpackDecoder(options);
    decoder.decode(hex('40 01 61 01 31'));
    expect(known(decoder, hex('be'))).toEqual(['a', '1']);
    decoder.decode(hex('40 01 61 01 32'));
    expect(known(decoder, hex('be'))).toEqual(['a', '2']);
    decoder.decode(hex('20'));
    expect(() => decoder.decode(hex('be'))).toThrow('no field has the index 62');
  });

  test('a block that changes the table changes it each time', () => {
    const decoder = new HpackDecoder(options);
    const insert = hex('40 01 61 01 31');
    expect(known(decoder, insert)).toEqual(['a', '1']);
    expect(decoder.decode(hex('be bf c0 c1'))).toHaveLength(8);
    expect(() => decoder.decode(hex('c2'))).toThrow('no field has the index 66');
  });

  test('a block that resizes the table resizes it each time, also an empty one', () => {
    const decoder = new HpackDecoder(options);
    for (const block of [hex('20'), hex('3f e1 1f')]) known(decoder, block);
    decoder.decode(hex('20'));
    decoder.decode(hex('40 01 61 01 31'));
    expect(() => decoder.decode(hex('be'))).toThrow('no field has the index 62');
  });

  test('many different blocks push each other out, and are decoded all the same', () => {
    const decoder = new HpackDecoder(options);
    for (let round = 0; round < 3_000; round++) {
      const value = (round * 7) % 251;
      const list = decoder.decode(Uint8Array.of(0, 1, 0x61, 2, 0x62, value));
      expect(list).toEqual(['a', `b${String.fromCharCode(value)}`]);
    }
  });
});

describe('encoding', () => {
  const list = [':method', 'GET', 'x-a', '1'];

  test('a list that repeats gives the same bytes again, and so does an equal one', () => {
    const encoder = new HpackEncoder(options);
    for (let round = 0; round < 3; round++) encoder.encode(list);
    const block = encoder.encode(list);
    expect([...block]).toEqual([0x82, 0xbe]);
    expect(encoder.encode(list)).toBe(block);
    expect(encoder.encode([...list])).toBe(block);
    expect(encoder.encode([':method', 'GET', 'x-a', '2'])).not.toEqual(block);
    expect(encoder.encode([':method', 'GET', 'x-b', '1'])).not.toEqual(block);
    expect(encoder.encode([':method', 'GET'])).not.toEqual(block);
    expect(encoder.encode(list)).toBe(block);
  });

  test('its bytes are others once the table has changed', () => {
    const encoder = new HpackEncoder(options);
    for (let round = 0; round < 4; round++) encoder.encode(list);
    expect([...encoder.encode(list)]).toEqual([0x82, 0xbe]);
    encoder.encode(['user-agent', 'a']);
    expect([...encoder.encode(list)]).toEqual([0x82, 0xbf]);
  });
});

test('with few lists in any order both sides stay in step', () => {
  const few = fc.array(headerList, { minLength: 1, maxLength: 5 });
  const picks = fc.array(fc.nat(4), { maxLength: 60 });
  fc.assert(
    fc.property(few, picks, (lists, order) => {
      const encoder = new HpackEncoder({ maxTableBytes: 400 });
      const decoder = new HpackDecoder(options);
      for (const pick of order) {
        const list = lists[pick % lists.length] as HeaderList;
        expect(decoder.decode(encoder.encode(list))).toEqual(list);
      }
    }),
    { numRuns: 300 },
  );
});
