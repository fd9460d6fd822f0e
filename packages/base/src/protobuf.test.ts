import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MalformedMessage, ProtobufReader, ProtobufWriter } from './protobuf.ts';

describe('protobuf fields', () => {
  test('whole numbers up to 2^53 - 1 come back', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.maxSafeNat(), (field, value) => {
        const writer = new ProtobufWriter(1);
        writer.uint(field + 1, value);
        const reader = new ProtobufReader(writer.finish());
        expect(reader.next()).toBe(true);
        expect(reader.field).toBe(field + 1);
        expect(reader.uint()).toBe(value);
        expect(reader.next()).toBe(false);
      }),
    );
  });

  test('numbers over 2^53 - 1 are refused on both sides', () => {
    const writer = new ProtobufWriter();
    expect(() => writer.uint(1, 2 ** 53)).toThrow(RangeError);
    const bytes = Uint8Array.of(8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    const reader = new ProtobufReader(bytes);
    reader.next();
    expect(() => reader.uint()).toThrow(MalformedMessage);
  });

  test('a negative int32 of ten bytes comes back', () => {
    const minusOne = Uint8Array.of(8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    const reader = new ProtobufReader(minusOne);
    reader.next();
    expect(reader.int32()).toBe(-1);
  });

  test('bytes, chunks and text come back; unknown fields are passed over', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        const writer = new ProtobufWriter(1);
        writer.bytes(1, bytes);
        writer.chunks(2, [bytes, bytes]);
        writer.string(3, text);
        const reader = new ProtobufReader(writer.finish());
        reader.next();
        expect(Buffer.from(reader.bytes())).toEqual(Buffer.from(bytes));
        reader.next();
        reader.skip();
        reader.next();
        expect(Buffer.from(reader.string(), 'utf8')).toEqual(Buffer.from(text, 'utf8'));
      }),
    );
  });

  test('random bytes throw MalformedMessage and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const reader = new ProtobufReader(bytes);
        try {
          while (reader.next()) reader.skip();
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
    );
  });
});
