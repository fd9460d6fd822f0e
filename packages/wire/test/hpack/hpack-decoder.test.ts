import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeaderListTooLarge, HpackError } from '../../src/hpack/header-list.ts';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { HpackEncoder } from '../../src/hpack/hpack-encoder.ts';
import { headerList, hex } from './header-lists.ts';
import { NaiveDecoder, NaiveRefusal } from './naive-hpack.ts';

const options = { maxTableBytes: 4096, maxHeaderListBytes: 16_384 };
const newDecoder = (change?: Partial<typeof options>): HpackDecoder =>
  new HpackDecoder({ ...options, ...change });

/** A literal that goes into the table: both strings shorter than 127 bytes, without Huffman. */
function keptLiteral(name: string, value: string): Buffer {
  const text = Buffer.from(`${name}${value}`, 'latin1');
  const parts = [Buffer.of(0x40, name.length), text.subarray(0, name.length)];
  return Buffer.concat([...parts, Buffer.of(value.length), text.subarray(name.length)]);
}

const large = Buffer.concat([
  hex('40 01 61 7f e1 1d'), // 'a', and a value of 127 + 97 + 29 * 128 = 3,936 bytes
  Buffer.alloc(3936, 'x'),
]);

describe('refused, and the message says why', () => {
  test.each([
    ['80', 'no field has the index 0'],
    ['be', 'no field has the index 62'],
    ['ff 80 ff ff ff 0f', 'no field has the index 4294967295'],
    ['ff 81 ff ff ff 0f', 'an integer is too large'],
    ['7f 80 01 00', 'no field has the index 191'],
    ['ff ff ff ff ff 7f', 'an integer is too large'],
    ['ff 80 80 80 80 80 00', 'an integer is too large'],
    ['40 7f ff ff ff ff ff ff ff ff 7f 61', 'an integer is too large'],
    ['ff', 'the block ends within a field'],
    ['ff 80', 'the block ends within a field'],
    ['40', 'the block ends within a field'],
    ['40 01 61', 'the block ends within a field'],
    ['40 02 61', 'a string is longer than the block'],
    ['00 01 61 02 62', 'a string is longer than the block'],
    ['00 01 61 7f ff ff ff ff 07', 'a string is longer than the block'],
    ['00 81 00 00', 'a string is not padded with ones to a byte'],
    ['00 84 ff ff ff ff 00', 'a string holds the end-of-string symbol'],
    ['82 20', 'a size update after the first field'],
    ['20 82 20', 'a size update after the first field'],
    ['3f e2 1f', 'a table of 4097 bytes, the limit is 4096'],
  ])('%s: %s', (block, message) => {
    expect(() => newDecoder().decode(hex(block))).toThrow(new HpackError(message));
  });

  test('the limit itself is no more than the limit', () => {
    expect(newDecoder().decode(hex('3f e1 1f 82'))).toEqual([':method', 'GET']);
    expect(newDecoder({ maxTableBytes: 0 }).decode(hex('20 82'))).toEqual([':method', 'GET']);
    expect(newDecoder().decode(hex(''))).toEqual([]);
  });
});

describe('the size of the table', () => {
  test('a lowered limit has to be met at the start of the next block', () => {
    const decoder = newDecoder();
    decoder.setMaxTableBytes(100);
    expect(() => decoder.decode(hex('82'))).toThrow('no size update says so');
    expect(() => decoder.decode(hex(''))).toThrow('no size update says so');
    expect(() => decoder.decode(hex('3f 46 82'))).toThrow('a table of 101 bytes');
    expect(decoder.decode(hex('3f 45 82'))).toEqual([':method', 'GET']);
    expect(decoder.decode(hex('82'))).toEqual([':method', 'GET']);
  });

  test('a block that was known before the limit was lowered is no way round it', () => {
    const decoder = newDecoder();
    for (let round = 0; round < 3; round++) decoder.decode(hex('82'));
    decoder.setMaxTableBytes(100);
    expect(() => decoder.decode(hex('82'))).toThrow('no size update says so');
  });

  test('lowered and raised again: the smallest has to come first', () => {
    const lowered = (): HpackDecoder => {
      const decoder = newDecoder();
      for (const bytes of [30, 10, 20, 4096]) decoder.setMaxTableBytes(bytes);
      return decoder;
    };
    expect(() => lowered().decode(hex('3f e1 1f 82'))).toThrow('no size update says so');
    expect(() => lowered().decode(hex('34 82'))).toThrow('no size update says so');
    expect(lowered().decode(hex('2a 3f e1 1f 82'))).toEqual([':method', 'GET']);
  });

  test('a limit that the table already keeps asks for nothing', () => {
    const decoder = newDecoder();
    decoder.decode(hex('2a'));
    decoder.setMaxTableBytes(10);
    decoder.setMaxTableBytes(8192);
    expect(decoder.decode(hex('82'))).toEqual([':method', 'GET']);
  });

  test('a larger limit than the first one of the protocol counts once the peer uses it', () => {
    const wide = newDecoder({ maxTableBytes: 8192 });
    wide.decode(large);
    wide.decode(keptLiteral('b', 'x'.repeat(90)));
    expect(wide.decode(hex('be'))).toEqual(['b', 'x'.repeat(90)]);
    expect(wide.decode(hex('bf'))).toEqual(['a', 'x'.repeat(3936)]);
    wide.decode(keptLiteral('c', 'x'.repeat(60)));
    expect(() => wide.decode(hex('c0'))).toThrow('no field has the index 64');

    const raised = newDecoder({ maxTableBytes: 8192 });
    raised.decode(hex('3f e1 3f')); // 8,192
    raised.decode(large);
    raised.decode(keptLiteral('b', 'x'.repeat(90)));
    raised.decode(keptLiteral('c', 'x'.repeat(60)));
    expect(raised.decode(hex('c0'))).toEqual(['a', 'x'.repeat(3936)]);
  });

  test('a field larger than the table empties it, and is a field all the same', () => {
    const decoder = newDecoder({ maxTableBytes: 64 });
    decoder.decode(keptLiteral('a', '1'));
    expect(decoder.decode(hex('be'))).toEqual(['a', '1']);
    expect(decoder.decode(keptLiteral('a', 'x'.repeat(32)))).toEqual(['a', 'x'.repeat(32)]);
    expect(() => decoder.decode(hex('be'))).toThrow('no field has the index 62');
  });

  test('a field may take its name from the one that it pushes out', () => {
    const decoder = newDecoder({ maxTableBytes: 64 });
    decoder.decode(keptLiteral('name', '1'));
    expect(decoder.decode(hex('7e 01 32'))).toEqual(['name', '2']);
    expect(decoder.decode(hex('be'))).toEqual(['name', '2']);
  });
});

describe('more fields than this side takes', () => {
  test('the limit counts names, values and 32 bytes a field', () => {
    const limited = newDecoder({ maxHeaderListBytes: 2 * 34 });
    const field = hex('00 01 61 01 62');
    expect(limited.decode(Buffer.concat([field, field]))).toEqual(['a', 'b', 'a', 'b']);
    const longer = limited.decode(Buffer.concat([field, hex('00 01 61 02 62 62')]));
    expect(longer).toEqual(new HeaderListTooLarge(69));
  });

  test('the table is kept in step with what was refused', () => {
    const limited = newDecoder({ maxHeaderListBytes: 100 });
    const fields = ['1', '2', '3'].map((value) => keptLiteral('name', value));
    expect(limited.decode(Buffer.concat(fields))).toBeInstanceOf(HeaderListTooLarge);
    expect(limited.decode(hex('be c0'))).toEqual(['name', '3', 'name', '1']);
    expect(() => limited.decode(hex('c1'))).toThrow(HpackError);
  });

  test('what is malformed after the limit is malformed', () => {
    const limited = newDecoder({ maxHeaderListBytes: 100 });
    expect(() => limited.decode(hex('82 82 82 82 80'))).toThrow(HpackError);
  });

  test('many references to one large field cost no more than they are long', () => {
    const decoder = newDecoder();
    decoder.decode(large);
    const bomb = Buffer.alloc(1_000_000, 0xbe);
    for (let round = 0; round < 5; round++) {
      expect(decoder.decode(bomb)).toEqual(new HeaderListTooLarge(1_000_000 * (1 + 3936 + 32)));
    }
    expect(decoder.decode(hex('82 be'))).toEqual([':method', 'GET', 'a', 'x'.repeat(3936)]);
  });
});

describe('against a decoder by the letter of the RFC', () => {
  type Verdict = readonly string[] | 'refused';

  function verdict(decode: () => readonly string[] | HeaderListTooLarge): Verdict {
    try {
      const headers = decode();
      if (headers instanceof HeaderListTooLarge)
        throw new Error('the limit of the test is too low');
      return headers;
    } catch (error) {
      if (error instanceof HpackError || error instanceof NaiveRefusal) return 'refused';
      throw error;
    }
  }

  /** Both say the same of each block, up to the first that ends the connection. */
  function compare(blocks: readonly Uint8Array[], maxTableBytes: number): Verdict[] {
    const ours = newDecoder({ maxTableBytes, maxHeaderListBytes: 1e9 });
    const naive = new NaiveDecoder(maxTableBytes);
    const verdicts: Verdict[] = [];
    for (const block of blocks) {
      const expected = verdict(() => naive.decode(block));
      verdicts.push(expected);
      expect(verdict(() => ours.decode(block))).toEqual(expected);
      if (expected === 'refused') break;
    }
    return verdicts;
  }

  const maxTableBytes = fc.constantFrom(0, 64, 256, 4096, 10_000);
  /** Octets that begin a field or a size update, lengths and indexes that may exist. */
  const octet = fc.oneof(
    fc.constantFrom(0x82, 0xbe, 0xbf, 0x40, 0x7e, 0x00, 0x0f, 0x10, 0x20, 0x3f, 0x81, 0x61),
    fc.nat(8),
    fc.nat(255),
  );

  test('any bytes', () => {
    const block = fc.array(octet, { maxLength: 24 }).map((octets) => Uint8Array.from(octets));
    let fine = 0;
    fc.assert(
      fc.property(fc.array(block, { maxLength: 4 }), maxTableBytes, (blocks, limit) => {
        fine += compare(blocks, limit).filter((each) => each !== 'refused').length;
      }),
      { numRuns: 3_000 },
    );
    expect(fine).toBeGreaterThan(100);
  });

  test('blocks of an encoder, some with bytes changed, cut off or put in', () => {
    const change = fc.record({ at: fc.nat(), byte: octet, cut: fc.nat(20), isWhole: fc.boolean() });
    const lists = fc.array(fc.tuple(headerList, fc.option(change, { freq: 3 })), { maxLength: 8 });
    let refused = 0;
    fc.assert(
      fc.property(lists, (changed) => {
        const encoder = new HpackEncoder(options);
        const blocks = changed.map(([list, mutation]) => {
          const block = Buffer.from(encoder.encode(list));
          if (mutation === null || block.length === 0) return block;
          block[mutation.at % block.length] = mutation.byte;
          if (mutation.isWhole) return block;
          const tail = block.subarray(mutation.cut);
          return Buffer.concat([block.subarray(0, mutation.cut), hex('be'), tail]);
        });
        if (compare(blocks, 4096).includes('refused')) refused++;
      }),
      { numRuns: 500 },
    );
    expect(refused).toBeGreaterThan(50);
  });
});
