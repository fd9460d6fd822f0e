import { type KeyValue, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import { emptyBytes, writeBytes, writeUint } from './fields.ts';

/** `d_engine.client.ClientResult` and `ScanEntry`: a key that was found. Unknown numbers are 0. */
export type FoundKey = KeyValue;

export function foundKeyBytesMax(found: FoundKey): number {
  return found.key.length + found.value.length + 72;
}

export function encodeFoundKey(found: FoundKey): Uint8Array {
  const writer = new ProtobufWriter(foundKeyBytesMax(found));
  writeBytes(writer, 1, found.key);
  writeBytes(writer, 2, found.value);
  writeUint(writer, 100, found.createRevision);
  writeUint(writer, 101, found.modRevision);
  writeUint(writer, 102, found.version);
  if (found.ttlLeftMs !== undefined) writer.uint(103, found.ttlLeftMs);
  if (found.lease !== undefined) writer.uint(104, found.lease);
  return writer.finish();
}

/** Key and value are views. */
export function decodeFoundKey(bytes: Uint8Array): FoundKey {
  const reader = new ProtobufReader(bytes);
  let key = emptyBytes;
  let value = emptyBytes;
  const numbers = { createRevision: 0, modRevision: 0, version: 0 };
  let ttlLeftMs: number | undefined;
  let lease: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 100) numbers.createRevision = reader.uint();
    else if (reader.field === 101) numbers.modRevision = reader.uint();
    else if (reader.field === 102) numbers.version = reader.uint();
    else if (reader.field === 103) ttlLeftMs = reader.uint();
    else if (reader.field === 104) lease = reader.uint();
    else reader.skip();
  }
  return { key, value, ...numbers, ttlLeftMs, lease };
}
