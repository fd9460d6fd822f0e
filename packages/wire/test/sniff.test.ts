import { expect, test } from 'vitest';
import { detectProtocol, http2Preface } from '../src/index.ts';

const preface = Buffer.from(http2Preface, 'latin1');

test('every proper prefix of the preface is undecided, all of it is HTTP/2', () => {
  for (let length = 0; length < preface.length; length++) {
    expect(detectProtocol(preface.subarray(0, length))).toBe('undecided');
  }
  expect(detectProtocol(preface)).toBe('http2');
  expect(detectProtocol(Buffer.concat([preface, Buffer.from([0, 0, 0, 4])]))).toBe('http2');
});

test.each(['GET / HTTP/1.1\r\n', 'POST /put', 'P', 'PUT /x', 'PRI * HTTP/1.1\r\n', '\x16\x03\x01'])(
  'other first bytes are for the HTTP/1.1 parser: %j',
  (text) => {
    const expected = http2Preface.startsWith(text) ? 'undecided' : 'http1';
    expect(detectProtocol(Buffer.from(text, 'latin1'))).toBe(expected);
  },
);
