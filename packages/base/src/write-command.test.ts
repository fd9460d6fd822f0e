import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits } from './limits.ts';
import { MalformedMessage, ProtobufWriter } from './protobuf.ts';
import type { Comparison, TransactionOperation } from './transactions.ts';
import { comparedNumbers, comparisonOperators } from './transactions.ts';
import type { WriteCommand } from './write-command.ts';
import { decodeWriteCommand, encodeWriteCommand } from './write-command.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value));
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const ttlMs = fc.oneof(fc.constant(0), fc.nat(10_000_000));
const lifetime = { ttlMs, lease: fc.option(number, { nil: undefined }) };
const put = fc.record({ type: fc.constant('put' as const), key: bytes, value: bytes, ...lifetime });
const remove = fc.record({ type: fc.constant('delete' as const), key: bytes });
const operator = fc.constantFrom(...comparisonOperators);
const comparison: fc.Arbitrary<Comparison<Uint8Array>> = fc.oneof(
  fc.record({ target: fc.constant('value' as const), key: bytes, operator, value: bytes }),
  fc.record({
    target: fc.constantFrom(...comparedNumbers),
    key: bytes,
    operator,
    value: number,
  }),
  fc.record({ target: fc.constant('existence' as const), key: bytes, exists: fc.boolean() }),
);
const operation: fc.Arbitrary<TransactionOperation<Uint8Array>> = fc.oneof(
  put,
  remove,
  fc.record({ type: fc.constant('get' as const), key: bytes }),
);
const list = fc.array(operation, { maxLength: 4 });
const command: fc.Arbitrary<WriteCommand> = fc.oneof(
  put,
  remove,
  fc.record({
    type: fc.constant('compareAndSwap' as const),
    key: bytes,
    expected: fc.option(bytes),
    value: fc.option(bytes),
    ...lifetime,
  }),
  fc.record({
    type: fc.constant('transaction' as const),
    compare: fc.array(comparison, { maxLength: 4 }),
    success: list,
    failure: list,
  }),
  fc.record({ type: fc.constant('grantLease' as const), ttlMs: number }),
  fc.record({ type: fc.constantFrom('keepLeaseAlive', 'revokeLease'), lease: number }),
  fc.record({ type: fc.constant('openSession' as const), ttlMs: number, name: fc.string() }),
  fc.record({ type: fc.constantFrom('keepSessionAlive', 'closeSession'), session: number }),
);

test('a command comes back as it was', () => {
  fc.assert(
    fc.property(command, (sent) => {
      expect(normal(decodeWriteCommand(encodeWriteCommand(sent)))).toEqual(normal(sent));
    }),
  );
});

/** Bytes as hex digits: a Buffer and a Uint8Array of the same bytes are equal. */
function normal(given: unknown): unknown {
  if (given instanceof Uint8Array) return Buffer.from(given).toString('hex');
  if (Array.isArray(given)) return given.map(normal);
  if (typeof given !== 'object' || given === null) return given;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, normal(value)]));
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

test('a TTL of whole seconds stands where the original has it', () => {
  const seconds = { type: 'put', key: Buffer.from('k'), value: Buffer.from('v'), ttlMs: 5_000 };
  const encoded = Buffer.from(encodeWriteCommand(seconds as WriteCommand)).toString('hex');
  expect(encoded).toBe('0a080a016b1201761805');
});

test('no command, and one that is not known, are refused', () => {
  expect(() => decodeWriteCommand(new Uint8Array(0))).toThrow(MalformedMessage);
  expect(() => decodeWriteCommand(Uint8Array.of(0x32, 0))).toThrow(MalformedMessage);
});

test('a transaction with an unknown step or comparison, or with too many, is refused', () => {
  for (const [field, bytesOfStep] of [
    [1, [0x10, 9, 0x18, 1]],
    [1, [0x10, 1, 0x18, 9]],
    [2, [0x22, 0]],
    [2, []],
    [4, []],
  ] as const) {
    expect(() => decodeWriteCommand(transactionOf(field, [...bytesOfStep], 1))).toThrow(
      MalformedMessage,
    );
  }
  const deletion = [0x12, 0];
  const max = limits.transactionStepsMax;
  expect(decodeWriteCommand(transactionOf(2, deletion, max))).toMatchObject({
    type: 'transaction',
  });
  expect(() => decodeWriteCommand(transactionOf(2, deletion, max + 1))).toThrow(/more than/);
});

function transactionOf(field: number, step: number[], count: number): Uint8Array {
  const inner = new ProtobufWriter();
  for (let written = 0; written < count; written++) inner.bytes(field, Uint8Array.from(step));
  const outer = new ProtobufWriter();
  outer.bytes(100, inner.finish());
  return outer.finish();
}
