import { crc32 } from 'node:zlib';
import type { RecordMeta } from '../state/backend.ts';
import type { RunRecord } from '../state/data-run.ts';
import { MalformedRun, readRun, runRecordBytes, writeRunRecord } from '../state/data-run.ts';
import type { HashLanes } from '../state-hash.ts';
import { rebuildAdvice, StorageDamage } from '../storage-errors.ts';

/**
 * A record on disk: CRC-32 of what follows u32, two lanes of its part of the state hash i32, then
 * the record as a snapshot holds it (`state/data-run.ts`), its key included. Little-endian.
 */
export const storedHeadBytes = 12;

export interface StoredRecord extends RunRecord, Readonly<HashLanes> {}

export function encodeRecord(key: Uint8Array, value: Uint8Array, meta: RecordMeta): Buffer {
  const record = { ...meta, key, value };
  const bytes = Buffer.allocUnsafe(storedHeadBytes + runRecordBytes(record));
  bytes.writeInt32LE(meta.hashLow, 4);
  bytes.writeInt32LE(meta.hashHigh, 8);
  writeRunRecord(bytes, storedHeadBytes, record);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** The record, as views of the bytes; or what is wrong with them. */
export function decodeRecord(stored: Uint8Array): StoredRecord | string {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  if (bytes.length < storedHeadBytes) return 'it is cut short';
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return 'its checksum does not fit';
  return decodeChecked(bytes);
}

/** As `decodeRecord`, of bytes that never left memory. */
export function decodeOwnRecord(bytes: Buffer): StoredRecord {
  const record = decodeChecked(bytes);
  if (typeof record === 'string') throw new MalformedRun(record);
  return record;
}

function decodeChecked(bytes: Buffer): StoredRecord | string {
  try {
    const [record, second] = readRun(bytes.subarray(storedHeadBytes));
    if (record === undefined || second !== undefined) return 'it is not one record';
    return { ...record, hashLow: bytes.readInt32LE(4), hashHigh: bytes.readInt32LE(8) };
  } catch (error) {
    if (error instanceof MalformedRun) return error.message;
    throw error;
  }
}

/** Bytes of another kind behind their CRC-32. */
export function withChecksum(bytes: Uint8Array): Buffer {
  const stored = Buffer.allocUnsafe(4 + bytes.length);
  stored.writeUInt32LE(crc32(bytes), 0);
  stored.set(bytes, 4);
  return stored;
}

/** The caller's own; undefined when they are not what was written. */
export function withoutChecksum(stored: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(stored.slice());
  if (bytes.length < 4 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined;
  return bytes.subarray(4);
}

/** What the disk gives back is not what was written. */
export function damagedRecord(directory: string, reason: string): StorageDamage {
  const file = `a record of the state in ${directory}`;
  return new StorageDamage({ file, offset: 0, reason, advice: rebuildAdvice });
}
