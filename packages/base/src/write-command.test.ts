import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MalformedMessage } from './protobuf.ts';
import type { WriteCommand } from './write-command.ts';
import { decodeWriteCommand, encodeWriteCommand } from './write-command.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value));
const ttlMs = fc.oneof(fc.constant(0), fc.nat(10_000_000));
const command: fc.Arbitrary<WriteCommand> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), key: bytes, value: bytes, ttlMs }),
  fc.record({ type: fc.constant('delete' as const), key: bytes }),
  fc.record({
    type: fc.constant('compareAndSwap' as const),
    key: bytes,
    expected: fc.option(bytes),
    value: fc.option(bytes),
    ttlMs,
  }),
);

test('a command comes back as it was', () => {
  fc.assert(
    fc.property(command, (sent) => {
      expect(normal(decodeWriteCommand(encodeWriteCommand(sent)))).toEqual(normal(sent));
    }),
  );
});

/** Bytes as hex digits: a Buffer and a Uint8Array of the same bytes are equal. */
function normal(given: WriteCommand): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  );
}

test('an empty expected value is not "must be absent", an empty value is not "delete"', () => {
  const empty = Buffer.alloc(0);
  const swap = {
    type: 'compareAndSwap',
    key: empty,
    expected: empty,
    value: empty,
    ttlMs: 0,
  } as const;
  const decoded = decodeWriteCommand(encodeWriteCommand(swap));
  expect(decoded).toMatchObject({ type: 'compareAndSwap' });
  expect(decoded.type === 'compareAndSwap' && decoded.expected).not.toBeNull();
  expect(decoded.type === 'compareAndSwap' && decoded.value).not.toBeNull();
});

test('no command, and one that is not known, are refused', () => {
  expect(() => decodeWriteCommand(new Uint8Array(0))).toThrow(MalformedMessage);
  expect(() => decodeWriteCommand(Uint8Array.of(0x32, 0))).toThrow(MalformedMessage);
});
