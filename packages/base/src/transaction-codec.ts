import { limits } from './limits.ts';
import { MalformedMessage, ProtobufReader, ProtobufWriter } from './protobuf.ts';
import {
  decodeDelete,
  decodePut,
  encodeDelete,
  encodePut,
  writeBytes,
  writeUint,
} from './put-codec.ts';
import type {
  ComparedNumber,
  Comparison,
  ComparisonOperator,
  Transaction,
  TransactionOperation,
} from './transactions.ts';

// The numbers are on disk and on the wire for ever.
const targetNumbers: Readonly<Record<Comparison['target'], number>> = {
  value: 1,
  createRevision: 2,
  modRevision: 3,
  version: 4,
  existence: 5,
};
const operatorNumbers: Readonly<Record<ComparisonOperator, number>> = {
  equal: 1,
  notEqual: 2,
  less: 3,
  greater: 4,
};

/** `d_engine.client.Transaction`, a message of ours. */
export function encodeTransaction(transaction: Transaction<Uint8Array>): Uint8Array {
  const writer = new ProtobufWriter(128);
  for (const comparison of transaction.compare) writer.bytes(1, encodeComparison(comparison));
  for (const operation of transaction.success) writer.bytes(2, encodeOperation(operation));
  for (const operation of transaction.failure) writer.bytes(3, encodeOperation(operation));
  return writer.finish();
}

/** Keys and values are views. Throws {@link MalformedMessage}, also for too many steps. */
export function decodeTransaction(bytes: Uint8Array): Transaction<Uint8Array> {
  const reader = new ProtobufReader(bytes);
  const compare: Comparison<Uint8Array>[] = [];
  const success: TransactionOperation<Uint8Array>[] = [];
  const failure: TransactionOperation<Uint8Array>[] = [];
  while (reader.next()) {
    if (reader.field === 1) compare.push(decodeComparison(reader.bytes()));
    else if (reader.field === 2) success.push(decodeOperation(reader.bytes()));
    else if (reader.field === 3) failure.push(decodeOperation(reader.bytes()));
    else throw new MalformedMessage(`field ${reader.field} of a transaction is not known`);
    const longest = Math.max(compare.length, success.length, failure.length);
    if (longest > limits.transactionStepsMax) {
      const max = limits.transactionStepsMax;
      throw new MalformedMessage(`a transaction with a list of more than ${max} steps`);
    }
  }
  return { compare, success, failure };
}

function encodeComparison(comparison: Comparison<Uint8Array>): Uint8Array {
  const writer = new ProtobufWriter(comparison.key.length + 32);
  writeBytes(writer, 1, comparison.key);
  writer.uint(2, targetNumbers[comparison.target]);
  if (comparison.target === 'existence') {
    if (comparison.exists) writer.bool(6, true);
    return writer.finish();
  }
  writer.uint(3, operatorNumbers[comparison.operator]);
  if (comparison.target === 'value') writeBytes(writer, 4, comparison.value);
  else writeUint(writer, 5, comparison.value);
  return writer.finish();
}

function decodeComparison(bytes: Uint8Array): Comparison<Uint8Array> {
  const reader = new ProtobufReader(bytes);
  let key: Uint8Array = new Uint8Array(0);
  let targetNumber = 0;
  let operatorNumber = 0;
  let value: Uint8Array = new Uint8Array(0);
  let number = 0;
  let exists = false;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) targetNumber = reader.uint();
    else if (reader.field === 3) operatorNumber = reader.uint();
    else if (reader.field === 4) value = reader.bytes();
    else if (reader.field === 5) number = reader.uint();
    else if (reader.field === 6) exists = reader.bool();
    else throw new MalformedMessage(`field ${reader.field} of a comparison is not known`);
  }
  const target = nameOf(targetNumbers, targetNumber);
  if (target === 'existence') return { target, key, exists };
  const operator = nameOf(operatorNumbers, operatorNumber);
  if (target === undefined || operator === undefined) {
    throw new MalformedMessage(`a comparison of ${targetNumber} by ${operatorNumber}`);
  }
  if (target === 'value') return { target, key, operator, value };
  const compared: ComparedNumber = target;
  return { target: compared, key, operator, value: number };
}

function encodeOperation(operation: TransactionOperation<Uint8Array>): Uint8Array {
  const writer = new ProtobufWriter(operation.key.length + 64);
  if (operation.type === 'put') writer.bytes(1, encodePut(operation));
  else writer.bytes(operation.type === 'delete' ? 2 : 3, encodeDelete(operation));
  return writer.finish();
}

function decodeOperation(bytes: Uint8Array): TransactionOperation<Uint8Array> {
  const reader = new ProtobufReader(bytes);
  let operation: TransactionOperation<Uint8Array> | undefined;
  while (reader.next()) {
    if (reader.field === 1) operation = decodePut(reader.bytes());
    else if (reader.field === 2) operation = decodeDelete(reader.bytes());
    else if (reader.field === 3) operation = { ...decodeDelete(reader.bytes()), type: 'get' };
    else throw new MalformedMessage(`step ${reader.field} of a transaction is not known`);
  }
  if (operation === undefined) throw new MalformedMessage('an empty step of a transaction');
  return operation;
}

function nameOf<Name extends string>(
  numbers: Readonly<Record<Name, number>>,
  wanted: number,
): Name | undefined {
  return (Object.keys(numbers) as Name[]).find((name) => numbers[name] === wanted);
}
