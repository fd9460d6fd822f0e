import type { LeaseId } from './ids.ts';
import { MalformedMessage, ProtobufReader, ProtobufWriter } from './protobuf.ts';

// Puts and deletes, which stand alone and in transactions. Our fields are those from 100 on.

export interface PutCommand {
  readonly type: 'put';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** 0: none. */
  readonly ttlMs: number;
  readonly lease?: LeaseId | undefined;
}

export interface DeleteCommand {
  readonly type: 'delete';
  readonly key: Uint8Array;
}

const empty: Uint8Array = new Uint8Array(0);

export function encodePut(
  put: Pick<PutCommand, 'key' | 'value' | 'lease'> & { readonly ttlMs?: number | undefined },
): Uint8Array {
  const writer = new ProtobufWriter(put.key.length + put.value.length + 32);
  writeBytes(writer, 1, put.key);
  writeBytes(writer, 2, put.value);
  writeTtl(writer, put.ttlMs ?? 0);
  if (put.lease !== undefined) writer.uint(101, put.lease);
  return writer.finish();
}

/** Whole seconds go where the original puts them; milliseconds in our own field. */
function writeTtl(writer: ProtobufWriter, ttlMs: number): void {
  if (ttlMs === 0) return;
  if (ttlMs % 1000 === 0) writer.uint(3, ttlMs / 1000);
  else writer.uint(100, ttlMs);
}

export function decodePut(bytes: Uint8Array): PutCommand {
  const reader = new ProtobufReader(bytes);
  let key = empty;
  let value = empty;
  let ttlMs = 0;
  let lease: LeaseId | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) ttlMs = reader.uint() * 1000;
    else if (reader.field === 100) ttlMs = reader.uint();
    else if (reader.field === 101) lease = reader.uint();
    else reader.skip();
  }
  return { type: 'put', key, value, ttlMs: exactTtl(ttlMs), lease };
}

export function encodeDelete({ key }: Pick<DeleteCommand, 'key'>): Uint8Array {
  const writer = new ProtobufWriter(key.length + 8);
  writeBytes(writer, 1, key);
  return writer.finish();
}

export function decodeDelete(bytes: Uint8Array): DeleteCommand {
  const reader = new ProtobufReader(bytes);
  let key = empty;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else reader.skip();
  }
  return { type: 'delete', key };
}

export function writeBytes(writer: ProtobufWriter, field: number, value: Uint8Array): void {
  if (value.length > 0) writer.bytes(field, value);
}

export function writeUint(writer: ProtobufWriter, field: number, value: number): void {
  if (value !== 0) writer.uint(field, value);
}

export function exactTtl(ttlMs: number): number {
  if (!Number.isSafeInteger(ttlMs)) throw new MalformedMessage('the TTL is over 2^53 ms');
  return ttlMs;
}
