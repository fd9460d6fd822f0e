import type { LeaseId, Revision } from '@d-engine/base';
import { limits } from '@d-engine/base';
import { readExact, writeExact } from '../exact-integer.ts';
import { keyOffset, lifetimeFlag, runPartOffset } from './record-layout.ts';

/**
 * A run of keys as snapshots hold it; `record-layout.ts` keeps records in memory in the same
 * layout, so that they are copied and not encoded. Little-endian: key length u32, value length u32,
 * flags u32, create revision u64, mod revision u64, version u64, with flag 1 expiry u64 and lease
 * u64 (0: none), key, value.
 */
export const runHeaderBytes = 36;

export const runOffsets = {
  keyLength: 0,
  valueLength: 4,
  flags: 8,
  createRevision: 12,
  modRevision: 20,
  version: 28,
  expiresAt: 36,
  lease: 44,
} as const;

export interface RunRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly version: number;
  /** In cluster time; 0: never by itself. */
  readonly expiresAt: number;
  /** 0: on none. */
  readonly lease: LeaseId;
}

export function runRecordBytes(
  record: Pick<RunRecord, 'key' | 'value' | 'expiresAt' | 'lease'>,
): number {
  return headBytes(flagsOf(record)) + record.key.length + record.value.length;
}

function flagsOf({ expiresAt, lease }: Pick<RunRecord, 'expiresAt' | 'lease'>): number {
  return expiresAt === 0 && lease === 0 ? 0 : lifetimeFlag;
}

function headBytes(flags: number): number {
  return keyOffset(flags) - runPartOffset;
}

/** Writes one record and returns where the next one begins. */
export function writeRunRecord(target: Buffer, offset: number, record: RunRecord): number {
  const { key, value } = record;
  target.writeUInt32LE(key.length, offset + runOffsets.keyLength);
  target.writeUInt32LE(value.length, offset + runOffsets.valueLength);
  const flags = flagsOf(record);
  target.writeUInt32LE(flags, offset + runOffsets.flags);
  writeExact(target, offset + runOffsets.createRevision, record.createRevision);
  writeExact(target, offset + runOffsets.modRevision, record.modRevision);
  writeExact(target, offset + runOffsets.version, record.version);
  if (flags !== 0) {
    writeExact(target, offset + runOffsets.expiresAt, record.expiresAt);
    writeExact(target, offset + runOffsets.lease, record.lease);
  }
  const keyAt = offset + headBytes(flags);
  target.set(key, keyAt);
  target.set(value, keyAt + key.length);
  return keyAt + key.length + value.length;
}

/** Bytes that are no run of this version. */
export class MalformedRun extends Error {
  override readonly name = 'MalformedRun';
}

/** The records of a run, as views of it. Throws {@link MalformedRun}. */
export function* readRun(run: Uint8Array): Generator<RunRecord> {
  const bytes = Buffer.from(run.buffer, run.byteOffset, run.length);
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < runHeaderBytes) throw new MalformedRun(`a torn record at ${at}`);
    const keyLength = bytes.readUInt32LE(at + runOffsets.keyLength);
    const valueLength = bytes.readUInt32LE(at + runOffsets.valueLength);
    const flags = bytes.readUInt32LE(at + runOffsets.flags);
    if ((flags & ~lifetimeFlag) !== 0) {
      throw new MalformedRun(`flags ${flags} at ${at} are not known`);
    }
    const keyAt = at + headBytes(flags);
    const end = keyAt + keyLength + valueLength;
    if (keyLength > limits.keyBytesMax || end > bytes.length) {
      throw new MalformedRun(`the record at ${at} does not fit in its run`);
    }
    yield {
      key: bytes.subarray(keyAt, keyAt + keyLength),
      value: bytes.subarray(keyAt + keyLength, end),
      createRevision: exactAt(bytes, at + runOffsets.createRevision),
      modRevision: exactAt(bytes, at + runOffsets.modRevision),
      version: exactAt(bytes, at + runOffsets.version),
      expiresAt: flags === 0 ? 0 : exactAt(bytes, at + runOffsets.expiresAt),
      lease: flags === 0 ? 0 : exactAt(bytes, at + runOffsets.lease),
    };
    at = end;
  }
}

function exactAt(bytes: Buffer, offset: number): number {
  const value = readExact(bytes, offset);
  if (value === undefined) throw new MalformedRun(`the number at ${offset} is too large`);
  return value;
}
