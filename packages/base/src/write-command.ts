import type { LeaseId, SessionId } from './ids.ts';
import { MalformedMessage, ProtobufReader, ProtobufWriter } from './protobuf.ts';
import type { DeleteCommand, PutCommand } from './put-codec.ts';
import {
  decodeDelete,
  decodePut,
  encodeDelete,
  encodePut,
  exactTtl,
  writeBytes,
  writeUint,
} from './put-codec.ts';
import { decodeTransaction, encodeTransaction } from './transaction-codec.ts';
import type { Transaction } from './transactions.ts';

export interface CompareAndSwapCommand {
  readonly type: 'compareAndSwap';
  readonly key: Uint8Array;
  /** Null: the key must be absent. */
  readonly expected: Uint8Array | null;
  /** Null: delete the key. */
  readonly value: Uint8Array | null;
  /** 0: none. */
  readonly ttlMs: number;
  readonly lease?: LeaseId | undefined;
}

export interface TransactionCommand extends Transaction<Uint8Array> {
  readonly type: 'transaction';
}

/** A session is opened by a client's command like any other, so it takes every road in. */
export interface OpenSessionCommand {
  readonly type: 'openSession';
  readonly ttlMs: number;
  /** Opening one whose name is in use answers with that one; empty: a new one each time. */
  readonly name: string;
}

/**
 * A client's write, message `WriteCommand` of the original's client protocol; our own commands are
 * those from 100 on. Its bytes, as the client sent them, are the payload of the log entry.
 */
export type WriteCommand =
  | PutCommand
  | DeleteCommand
  | CompareAndSwapCommand
  | TransactionCommand
  | { readonly type: 'grantLease'; readonly ttlMs: number }
  | { readonly type: 'keepLeaseAlive'; readonly lease: LeaseId }
  | { readonly type: 'revokeLease'; readonly lease: LeaseId }
  | OpenSessionCommand
  | { readonly type: 'keepSessionAlive'; readonly session: SessionId }
  | { readonly type: 'closeSession'; readonly session: SessionId };

// The numbers are on disk and on the wire for ever.
const fields = {
  put: 1,
  delete: 2,
  compareAndSwap: 3,
  transaction: 100,
  grantLease: 101,
  keepLeaseAlive: 102,
  revokeLease: 103,
  openSession: 104,
  keepSessionAlive: 105,
  closeSession: 106,
} as const satisfies Record<WriteCommand['type'], number>;

const empty: Uint8Array = new Uint8Array(0);

export function encodeWriteCommand(command: WriteCommand): Uint8Array {
  const inner = encodeInner(command);
  const outer = new ProtobufWriter(inner.length + 16);
  outer.bytes(fields[command.type], inner);
  return outer.finish();
}

function encodeInner(command: WriteCommand): Uint8Array {
  switch (command.type) {
    case 'put':
      return encodePut(command);
    case 'delete':
      return encodeDelete(command);
    case 'compareAndSwap':
      return encodeCompareAndSwap(command);
    case 'transaction':
      return encodeTransaction(command);
    case 'grantLease':
      return encodeNumber(command.ttlMs);
    case 'keepLeaseAlive':
    case 'revokeLease':
      return encodeNumber(command.lease);
    case 'openSession': {
      const writer = new ProtobufWriter();
      writeUint(writer, 1, command.ttlMs);
      if (command.name !== '') writer.string(2, command.name);
      return writer.finish();
    }
    case 'keepSessionAlive':
    case 'closeSession':
      return encodeNumber(command.session);
  }
}

function encodeCompareAndSwap(command: CompareAndSwapCommand): Uint8Array {
  const writer = new ProtobufWriter(128);
  writeBytes(writer, 1, command.key);
  if (command.expected !== null) writer.bytes(2, command.expected);
  if (command.value === null) writer.bool(100, true);
  else writeBytes(writer, 3, command.value);
  if (command.ttlMs !== 0) writer.uint(101, command.ttlMs);
  if (command.lease !== undefined) writer.uint(102, command.lease);
  return writer.finish();
}

function encodeNumber(value: number): Uint8Array {
  const writer = new ProtobufWriter(16);
  writeUint(writer, 1, value);
  return writer.finish();
}

/** Throws {@link MalformedMessage} when the bytes are no command. Keys and values are views. */
export function decodeWriteCommand(bytes: Uint8Array): WriteCommand {
  const reader = new ProtobufReader(bytes);
  let command: WriteCommand | undefined;
  while (reader.next()) command = decodeInner(reader.field, reader.bytes());
  if (command === undefined) throw new MalformedMessage('a write without a command');
  return command;
}

function decodeInner(field: number, bytes: Uint8Array): WriteCommand {
  switch (field) {
    case fields.put:
      return decodePut(bytes);
    case fields.delete:
      return decodeDelete(bytes);
    case fields.compareAndSwap:
      return decodeCompareAndSwap(bytes);
    case fields.transaction:
      return { type: 'transaction', ...decodeTransaction(bytes) };
    case fields.grantLease:
      return { type: 'grantLease', ttlMs: decodeNumber(bytes) };
    case fields.keepLeaseAlive:
      return { type: 'keepLeaseAlive', lease: decodeNumber(bytes) };
    case fields.revokeLease:
      return { type: 'revokeLease', lease: decodeNumber(bytes) };
    case fields.openSession:
      return decodeOpenSession(bytes);
    case fields.keepSessionAlive:
      return { type: 'keepSessionAlive', session: decodeNumber(bytes) };
    case fields.closeSession:
      return { type: 'closeSession', session: decodeNumber(bytes) };
    default:
      throw new MalformedMessage(`write command ${field} is not known`);
  }
}

function decodeCompareAndSwap(bytes: Uint8Array): WriteCommand {
  const reader = new ProtobufReader(bytes);
  let key = empty;
  let expected: Uint8Array | null = null;
  let value: Uint8Array | null = empty;
  let ttlMs = 0;
  let lease: LeaseId | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) expected = reader.bytes();
    else if (reader.field === 3) value = reader.bytes();
    else if (reader.field === 100) value = reader.bool() ? null : value;
    else if (reader.field === 101) ttlMs = reader.uint();
    else if (reader.field === 102) lease = reader.uint();
    else reader.skip();
  }
  return { type: 'compareAndSwap', key, expected, value, ttlMs: exactTtl(ttlMs), lease };
}

function decodeOpenSession(bytes: Uint8Array): OpenSessionCommand {
  const reader = new ProtobufReader(bytes);
  let ttlMs = 0;
  let name = '';
  while (reader.next()) {
    if (reader.field === 1) ttlMs = reader.uint();
    else if (reader.field === 2) name = reader.string();
    else reader.skip();
  }
  return { type: 'openSession', ttlMs, name };
}

function decodeNumber(bytes: Uint8Array): number {
  const reader = new ProtobufReader(bytes);
  let value = 0;
  while (reader.next()) {
    if (reader.field === 1) value = reader.uint();
    else reader.skip();
  }
  return value;
}
