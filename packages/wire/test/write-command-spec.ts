import type { Comparison, TransactionOperation, WriteCommand } from '@d-engine/base';
import fc from 'fast-check';
import { bytes, exact, text } from './arbitraries.ts';
import type { Theirs } from './protobuf-oracle.ts';

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const targetNumbers = { value: 1, createRevision: 2, modRevision: 3, version: 4, existence: 5 };
const operators = ['equal', 'notEqual', 'less', 'greater'] as const;
const operator = fc.constantFrom(...operators);
const comparison: fc.Arbitrary<Comparison<Uint8Array>> = fc.oneof(
  fc.record({ target: fc.constant('value' as const), key: bytes, operator, value: bytes }),
  fc.record({
    target: fc.constantFrom('createRevision' as const, 'modRevision' as const, 'version' as const),
    key: bytes,
    operator,
    value: exact,
  }),
  fc.record({ target: fc.constant('existence' as const), key: bytes, exists: fc.boolean() }),
);
const lifetime = {
  ttlMs: fc.constantFrom(0, 1, 999, 1_000, 60_000, 60_001),
  lease: optional(exact),
};
const put = fc.record({ type: fc.constant('put' as const), key: bytes, value: bytes, ...lifetime });
const remove = fc.record({ type: fc.constant('delete' as const), key: bytes });
const step: fc.Arbitrary<TransactionOperation<Uint8Array>> = fc.oneof(
  put,
  remove,
  fc.record({ type: fc.constant('get' as const), key: bytes }),
);
const steps = fc.array(step, { maxLength: 3 });
const writeCommand: fc.Arbitrary<WriteCommand> = fc.oneof(
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
    compare: fc.array(comparison, { maxLength: 3 }),
    success: steps,
    failure: steps,
  }),
  fc.record({ type: fc.constant('grantLease' as const), ttlMs: exact }),
  fc.record({ type: fc.constantFrom('keepLeaseAlive', 'revokeLease'), lease: exact }),
  fc.record({ type: fc.constant('openSession' as const), ttlMs: exact, name: text }),
  fc.record({ type: fc.constantFrom('keepSessionAlive', 'closeSession'), session: exact }),
);

function putToTheirs(given: {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly ttlMs?: number | undefined;
  readonly lease?: number | undefined;
}): Theirs {
  const { key, value, ttlMs = 0, lease } = given;
  const isWhole = ttlMs % 1_000 === 0;
  return {
    key,
    value,
    ttlSecs: isWhole ? ttlMs / 1_000 : 0,
    ttlMs: isWhole ? 0 : ttlMs,
    lease,
  };
}

function stepToTheirs(given: TransactionOperation<Uint8Array>): Theirs {
  if (given.type === 'put') return { put: putToTheirs(given) };
  return { [given.type]: { key: given.key } };
}

function comparisonToTheirs(given: Comparison<Uint8Array>): Theirs {
  const { key, target } = given;
  const named = { key, target: targetNumbers[target] };
  if (given.target === 'existence') return { ...named, exists: given.exists };
  const compared = { ...named, operator: operators.indexOf(given.operator) + 1 };
  if (given.target === 'value') return { ...compared, value: given.value };
  return { ...compared, number: given.value };
}

function commandToTheirs(command: WriteCommand): Theirs {
  switch (command.type) {
    case 'put':
      return { insert: putToTheirs(command) };
    case 'compareAndSwap': {
      const { key, expected, value, ttlMs, lease } = command;
      const wanted = { key, expectedValue: expected ?? undefined, newValue: value ?? undefined };
      return { compareAndSwap: { ...wanted, delete: value === null, ttlMs, lease } };
    }
    case 'transaction':
      return {
        transaction: {
          compare: command.compare.map(comparisonToTheirs),
          success: command.success.map(stepToTheirs),
          failure: command.failure.map(stepToTheirs),
        },
      };
    default: {
      const { type, ...fields } = command;
      return { [type]: fields };
    }
  }
}

/** Every command of a client, with what others call its parts. */
export const writeCommandPair: fc.Arbitrary<{
  readonly ours: WriteCommand;
  readonly theirs: Theirs;
}> = writeCommand.map((ours) => ({ ours, theirs: commandToTheirs(ours) }));
