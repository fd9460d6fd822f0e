import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockReader } from '../../src/hpack/block-reader.ts';
import { BlockWriter } from '../../src/hpack/block-writer.ts';
import { HpackError } from '../../src/hpack/header-list.ts';
import { codeLengths, codes } from '../../src/hpack/huffman-code.ts';
import { decodedBytesMax, decodeHuffman } from '../../src/hpack/huffman-decoder.ts';
import { hex } from './header-lists.ts';
import { NaiveRefusal, naiveHuffman } from './naive-hpack.ts';

function decode(bytes: Uint8Array): string {
  const target = Buffer.alloc(decodedBytesMax(bytes.length));
  return target.toString('latin1', 0, decodeHuffman(bytes, 0, bytes.length, target));
}

function decodeNaively(bytes: Uint8Array): string | undefined {
  try {
    return naiveHuffman(bytes);
  } catch (error) {
    if (error instanceof NaiveRefusal) return undefined;
    throw error;
  }
}

/** The Huffman code of a text, padded to whole bytes with the given bit. */
function encode(text: string, padding = '1'): Uint8Array {
  const bits = codeOf(text);
  return bytesOf(bits.padEnd(Math.ceil(bits.length / 8) * 8, padding));
}

function codeOf(text: string): string {
  return Array.from(Buffer.from(text, 'latin1'), bitsOf).join('');
}

function bitsOf(symbol: number): string {
  return (codes[symbol] as number).toString(2).padStart(codeLengths[symbol] as number, '0');
}

function bytesOf(bits: string): Uint8Array {
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

test('the code is complete: no symbol can be added, none begins with another one', () => {
  expect(codeLengths.reduce((sum, bits) => sum + 2 ** -bits, 0)).toBe(1);
  const all = [...codes].map((_, symbol) => bitsOf(symbol)).sort();
  all.slice(1).forEach((code, at) => {
    expect(code.startsWith(all[at] as string)).toBe(false);
  });
  // One code of each length that is easy to get wrong, from the RFC's appendix B.
  const picked = [0, 33, 92, 128, 142, 153, 192, 199, 203, 215, 231, 249, 255, 256];
  expect(picked.map((symbol) => codes[symbol]?.toString(16))).toEqual([
    ...['1ff8', '3f8', '7fff0', 'fffe6', 'ffffeb', '1fffdc', '3ffffe0', '1ffffec', '7ffffde'],
    ...['fffff2', '7ffff3', 'ffffffe', '3ffffee', '3fffffff'],
  ]);
});

test('every string of bytes survives, alone and between others', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 })), (strings) => {
      const texts = strings.map((bytes) => Buffer.from(bytes).toString('latin1'));
      const writer = new BlockWriter();
      for (const text of texts) writer.string(text);
      const reader = new BlockReader(writer.finish());
      expect(texts.map(() => reader.string())).toEqual(texts);
      expect(reader.atEnd).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test('every byte survives among short codes, wherever in a byte its code begins', () => {
  for (let symbol = 0; symbol < 256; symbol++) {
    for (let before = 0; before < 8; before++) {
      const text = 'a'.repeat(before) + String.fromCharCode(symbol) + 'a'.repeat(20);
      const writer = new BlockWriter();
      writer.string(text);
      const block = writer.finish();
      expect(block[0]).toBeGreaterThan(0x80);
      expect(new BlockReader(block).string()).toBe(text);
    }
  }
});

test('a string longer than the shared memory of readers and writers survives', () => {
  for (const character of ['a', '\x01']) {
    const text = character.repeat(100_000);
    const writer = new BlockWriter();
    writer.string(text);
    expect(new BlockReader(writer.finish()).string()).toBe(text);
  }
});

test('a string is never longer than its characters and the length before them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      const writer = new BlockWriter();
      writer.string(Buffer.from(bytes).toString('latin1'));
      expect(writer.finish().length).toBeLessThanOrEqual(1 + bytes.length);
    }),
  );
});

test('a decoder that goes bit by bit says the same of any bytes', () => {
  // Ones in plenty: they are what padding, the end of the string and the long codes are made of.
  const byte = fc.oneof(fc.constant(255), fc.constantFrom(254, 127, 252), fc.nat(255));
  const some = fc.array(byte, { maxLength: 12 }).map((bytes) => Uint8Array.from(bytes));
  const coded = fc.uint8Array({ maxLength: 12 }).map((bytes) => {
    return encode(String.fromCharCode(...bytes));
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(some, coded), (bytes) => {
      const expected = decodeNaively(bytes);
      if (expected === undefined) {
        refused++;
        expect(() => decode(bytes)).toThrow(HpackError);
      } else expect(decode(bytes)).toBe(expected);
    }),
    { numRuns: 3_000 },
  );
  expect(refused).toBeGreaterThan(300);
});

test.each([
  ['eight bits of padding', hex('07 ff')],
  ['padding with zeros', encode('0', '0')],
  ['a whole byte of padding and nothing else', hex('ff')],
  ['the end-of-string symbol', bytesOf('1'.repeat(32))],
  ['the end-of-string symbol between two others', bytesOf(`00000${'1'.repeat(30)}00000`)],
  ['a code that is cut off', bytesOf('11111110')],
])('refused: %s', (_, bytes) => {
  expect(() => decode(bytes)).toThrow(HpackError);
});

test.each([
  [0, '&'],
  [1, ':'],
  [3, 'a'],
  [6, 'aa'],
  [7, '?:'],
])('%i ones are padding', (bits, text) => {
  expect(codeOf(text).length % 8).toBe((8 - bits) % 8);
  expect(decode(encode(text))).toBe(text);
});
