import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metadataOf, metadataProblem } from '../../src/grpc/call-metadata.ts';
import {
  decodeGrpcMessage,
  encodeGrpcMessage,
  formatTimeout,
  isGrpcContentType,
  parseTimeout,
} from '../../src/grpc/grpc-text.ts';
import { hostOfAuthority, isSocketAddress } from '../../src/grpc/socket-address.ts';

describe('a status message', () => {
  test('comes back as it was, and is a header value on its way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
        const sent = encodeGrpcMessage(text);
        expect(sent).toMatch(/^([!-~]([ -~]*[!-~])?)?$/);
        // Halves of a surrogate pair are no text: UTF-8 has none of them.
        expect(decodeGrpcMessage(sent)).toBe(Buffer.from(text, 'utf8').toString('utf8'));
      }),
    );
  });

  test('that is badly encoded is shown as it came', () => {
    expect(decodeGrpcMessage('100% %zz')).toBe('100% %zz');
  });
});

test('a timeout comes back, never shorter', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 9e10, noNaN: true }), (ms) => {
      const text = formatTimeout(ms);
      expect(text).toMatch(/^\d{1,8}[mS]$/);
      const parsed = parseTimeout(text) ?? Number.NaN;
      expect(parsed).toBeGreaterThanOrEqual(ms);
      expect(parsed).toBeLessThanOrEqual(ms + 1_001);
    }),
  );
  expect([parseTimeout('2H'), parseTimeout('5u'), parseTimeout('123456789m')]).toEqual([
    ...[7_200_000, 0.005, undefined],
  ]);
});

test('content types of gRPC are told from others', () => {
  const types = ['application/grpc', 'application/grpc+proto', 'application/grpc; a=b'];
  expect(types.every(isGrpcContentType)).toBe(true);
  const others = ['application/grpc-web', 'application/grpc+json', 'text/plain', undefined];
  expect(others.some(isGrpcContentType)).toBe(false);
});

describe('metadata', () => {
  test('is what is not reserved, values of one name joined', () => {
    const list = [':path', '/', 'te', 'trailers', 'x-a', '1', 'x-b', '2', 'x-a', '3'];
    expect(metadataOf(list)).toEqual({ 'x-a': '1, 3', 'x-b': '2' });
    expect(metadataOf(['x-a', '2'], { 'x-a': '1', 'x-c': '3' })).toEqual({
      'x-a': '2',
      'x-c': '3',
    });
  });

  test('may have a name that objects know', () => {
    const found = metadataOf(['__proto__', 'x', 'constructor', 'y', '__proto__', 'z']);
    expect(Object.entries(found)).toEqual([
      ['__proto__', 'x, z'],
      ['constructor', 'y'],
    ]);
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
  });

  test.each([
    ['of the transport', { connection: 'close' }],
    ['of gRPC', { 'grpc-status': '0' }],
    ['with capitals', { 'X-Y': 'z' }],
    ['pseudo', { ':path': '/' }],
    ['not ASCII', { 'x-y': 'ü' }],
    ['with a line feed', { 'x-y': 'a\nb' }],
    ['with a blank at an end', { 'x-y': 'a ' }],
    ['of too many bytes', { 'x-y': 'a'.repeat(17_000) }],
  ])('%s is refused', (_, metadata) => {
    expect(metadataProblem(metadata)).toBeDefined();
    expect(metadataProblem({ 'x-fine': 'a b', 'x-empty': '' })).toBeUndefined();
  });
});

test('addresses have a host and a port, IPv6 in brackets', () => {
  expect(['a:1', '127.0.0.1:65535', '[::1]:80'].every(isSocketAddress)).toBe(true);
  expect(['a', 'a:65536', '::1:80', ':1', 'a:b'].some(isSocketAddress)).toBe(false);
  expect(['h:1', 'h', 'u@h:1', '[::1]:2', undefined].map(hostOfAuthority)).toEqual([
    ...['h', 'h', 'h', '[::1]', undefined],
  ]);
});
