import { describe, expect, test } from 'vitest';
import { BlockReader } from '../../src/hpack/block-reader.ts';
import { BlockWriter } from '../../src/hpack/block-writer.ts';
import { fieldBytes, type HeaderList, HpackError } from '../../src/hpack/header-list.ts';
import { HpackDecoder } from '../../src/hpack/hpack-decoder.ts';
import { hex } from './header-lists.ts';

// The examples of RFC 7541, appendix C, by their numbers.

function decoderOf(maxTableBytes: number): HpackDecoder {
  return new HpackDecoder({ maxTableBytes, maxHeaderListBytes: 16_384 });
}

/** The dynamic table, newest first, found out by asking for every index there is. */
function tableOf(decoder: HpackDecoder): string[] {
  const fields: string[] = [];
  for (let index = 62; ; index++) {
    try {
      fields.push(...(decoder.decode(Uint8Array.of(0x80 | index)) as HeaderList));
    } catch (error) {
      expect(error).toBeInstanceOf(HpackError);
      return fields;
    }
  }
}

function tableBytesOf(decoder: HpackDecoder): number {
  const table = tableOf(decoder);
  return table.reduce(
    (sum, text, at) => (at % 2 === 0 ? sum + fieldBytes(text, table[at + 1] as string) : sum),
    0,
  );
}

test.each([
  ['C.1.1', 10, 5, '0a'],
  ['C.1.2', 1337, 5, '1f9a0a'],
  ['C.1.3', 42, 8, '2a'],
])('an integer: %s', (_, value, prefixBits, bytes) => {
  const writer = new BlockWriter();
  writer.integer(0, prefixBits, value);
  expect(writer.finish()).toEqual(new Uint8Array(hex(bytes)));
  expect(new BlockReader(hex(bytes)).integer(prefixBits)).toBe(value);
});

test.each([
  {
    example: 'C.2.1',
    block: '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
    field: ['custom-key', 'custom-header'],
    table: ['custom-key', 'custom-header'],
  },
  {
    example: 'C.2.2',
    block: '040c 2f73 616d 706c 652f 7061 7468',
    field: [':path', '/sample/path'],
    table: [],
  },
  {
    example: 'C.2.3',
    block: '1008 7061 7373 776f 7264 0673 6563 7265 74',
    field: ['password', 'secret'],
    table: [],
  },
  { example: 'C.2.4', block: '82', field: [':method', 'GET'], table: [] },
])('a field: $example', ({ block, field, table }) => {
  const decoder = decoderOf(4096);
  expect(decoder.decode(hex(block))).toEqual(field);
  expect(tableOf(decoder)).toEqual(table);
});

const get = [':method', 'GET', ':scheme', 'http', ':path', '/'];
const authority = [':authority', 'www.example.com'];
const noCache = ['cache-control', 'no-cache'];
const custom = ['custom-key', 'custom-value'];
const requests = [
  { headers: [...get, ...authority], table: authority, bytes: 57 },
  {
    headers: [...get, ...authority, ...noCache],
    table: [...noCache, ...authority],
    bytes: 110,
  },
  {
    headers: [
      ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html'],
      ...[...authority, ...custom],
    ],
    table: [...custom, ...noCache, ...authority],
    bytes: 164,
  },
];

const found = [':status', '302'];
const moved = [':status', '307'];
const isPrivate = ['cache-control', 'private'];
const date = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'];
const laterDate = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'];
const location = ['location', 'https://www.example.com'];
const gzip = ['content-encoding', 'gzip'];
const cookie = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'];
const responses = [
  {
    headers: [...found, ...isPrivate, ...date, ...location],
    table: [...location, ...date, ...isPrivate, ...found],
    bytes: 222,
  },
  {
    headers: [...moved, ...isPrivate, ...date, ...location],
    table: [...moved, ...location, ...date, ...isPrivate],
    bytes: 222,
  },
  {
    headers: [':status', '200', ...isPrivate, ...laterDate, ...location, ...gzip, ...cookie],
    table: [...cookie, ...gzip, ...laterDate],
    bytes: 215,
  },
];

describe.each([
  {
    name: 'C.3, requests without Huffman code',
    maxTableBytes: 4096,
    expected: requests,
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
  },
  {
    name: 'C.4, requests with Huffman code',
    maxTableBytes: 4096,
    expected: requests,
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  },
  {
    name: 'C.5, responses without Huffman code, in a table of 256 bytes',
    maxTableBytes: 256,
    expected: responses,
    blocks: [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a
       3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04
       677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49
       553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
    ],
  },
  {
    name: 'C.6, responses with Huffman code, in a table of 256 bytes',
    maxTableBytes: 256,
    expected: responses,
    blocks: [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
       919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
       821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
       4ee5 b106 3d50 07`,
    ],
  },
])('$name', ({ maxTableBytes, expected, blocks }) => {
  test('fields and table after each block', () => {
    const decoder = decoderOf(maxTableBytes);
    blocks.forEach((block, at) => {
      expect(decoder.decode(hex(block))).toEqual(expected[at]?.headers);
      expect(tableOf(decoder)).toEqual(expected[at]?.table);
      expect(tableBytesOf(decoder)).toBe(expected[at]?.bytes);
    });
  });
});

test.each([
  ['www.example.com', '8c f1e3 c2e5 f23a 6ba0 ab90 f4ff'],
  ['no-cache', '86 a8eb 1064 9cbf'],
  ['custom-key', '88 25a8 49e9 5ba9 7d7f'],
  ['custom-value', '89 25a8 49e9 5bb8 e8b4 bf'],
  ['302', '82 6402'],
  ['private', '85 aec3 771a 4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', '96 d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'],
  ['https://www.example.com', '91 9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3'],
  ['307', '83 640e ff'],
  ['gzip', '83 9bd9 ab'],
])('the encoder writes the string %j as C.4 and C.6 do', (text, bytes) => {
  const writer = new BlockWriter();
  writer.string(text);
  // Of 307 the Huffman code saves nothing; the RFC's example takes it all the same.
  const expected = text === '307' ? hex('03 3330 37') : hex(bytes);
  expect(Buffer.from(writer.finish()).toString('hex')).toBe(Buffer.from(expected).toString('hex'));
});
