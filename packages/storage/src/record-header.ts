import { crc32 } from 'node:zlib';
import type { InstanceId, LogIndex, Term } from '@d-engine/base';
import { readExact, writeExact } from './exact-integer.ts';

/**
 * A record is this header, the bytes of its entries and zeros up to a multiple of 8.
 * Little-endian: length u32 (header and entries; 0: end of the log), magic u16, flags u16 (1: it
 * truncates, 2: it begins the log anew), body CRC-32 u32 (entries and padding), entry count u32,
 * sequence u64, first index u64, previous term u64, commit index u64, durable segment u32, durable
 * offset u32, segment id u32, header CRC-32 of everything before it. Both CRCs start from {@link
 * recordSeed}.
 */
export const recordHeaderBytes = 64;
/** Records start at multiples of this, so that a search for one need not try every byte. */
export const recordAlignment = 8;

const magic = 0x4c64;
const flagsOf = { nothing: 0, suffix: 1, everything: 2 } as const;
const crcOffset = recordHeaderBytes - 4;

/**
 * What a record removes before its entries are appended: its first index and all after it, or the
 * whole log, which a snapshot has taken the place of.
 */
export type Removal = keyof typeof flagsOf;

/** A place in the log: everything in lower segments comes before it. */
export interface LogPosition {
  readonly segmentId: number;
  readonly offset: number;
}

export function isBefore(left: LogPosition, right: LogPosition): boolean {
  if (left.segmentId !== right.segmentId) return left.segmentId < right.segmentId;
  return left.offset < right.offset;
}

export interface RecordHeader {
  readonly segmentId: number;
  /** Bytes of the entries. */
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  readonly entryCount: number;
  /** Rises by one from record to record, across segments, from 1. */
  readonly sequence: number;
  /** Of the first entry; of the next one to come when there are no entries. */
  readonly firstIndex: LogIndex;
  readonly removes: Removal;
  /** Term of the entry before `firstIndex`; 0 when there is none. */
  readonly previousTerm: Term;
  /** Known committed when it was written; at most the last index of this record. */
  readonly commitIndex: LogIndex;
  /** Everything before this place was durable when the record was written. */
  readonly durable: LogPosition;
}

/**
 * Ties each checksum to its segment and to the directory: bytes of another file, however they come
 * here, even out of a client's value, are no record.
 */
export function recordSeed(owner: InstanceId, segmentId: number): number {
  return crc32(`${owner}/${segmentId}`);
}

/** Bytes that a record takes on disk. */
export function recordExtent(bodyBytes: number): number {
  return alignUp(recordHeaderBytes + bodyBytes);
}

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / recordAlignment) * recordAlignment;
}

/** Fills `target`, which is exactly one header long. */
export function encodeRecordHeader(target: Buffer, header: RecordHeader, seed: number): void {
  target.writeUInt32LE(recordHeaderBytes + header.bodyBytes, 0);
  target.writeUInt16LE(magic, 4);
  target.writeUInt16LE(flagsOf[header.removes], 6);
  target.writeUInt32LE(header.bodyCrc, 8);
  target.writeUInt32LE(header.entryCount, 12);
  writeExact(target, 16, header.sequence);
  writeExact(target, 24, header.firstIndex);
  writeExact(target, 32, header.previousTerm);
  writeExact(target, 40, header.commitIndex);
  target.writeUInt32LE(header.durable.segmentId, 48);
  target.writeUInt32LE(header.durable.offset, 52);
  target.writeUInt32LE(header.segmentId, 56);
  target.writeUInt32LE(crc32(target.subarray(0, crcOffset), seed), crcOffset);
}

/** Whether a record may start here; cheap, for the search in damaged regions. */
export function mayBeRecord(buffer: Buffer, offset: number): boolean {
  return buffer.readUInt16LE(offset + 4) === magic && buffer.readUInt32LE(offset) !== 0;
}

/** Whether the log ends here: nothing was ever written at this place. */
export function isEndOfLog(buffer: Buffer, offset: number): boolean {
  return buffer.readUInt32LE(offset) === 0;
}

/** The header at `offset`; undefined when it is damaged or none. */
export function decodeRecordHeader(
  buffer: Buffer,
  offset: number,
  seed: number,
): RecordHeader | undefined {
  const bytes = buffer.subarray(offset, offset + recordHeaderBytes);
  if (bytes.length < recordHeaderBytes || !mayBeRecord(bytes, 0)) return undefined;
  if (bytes.readUInt32LE(crcOffset) !== crc32(bytes.subarray(0, crcOffset), seed)) return undefined;
  const length = bytes.readUInt32LE(0);
  const removes = removalOf(bytes.readUInt16LE(6));
  const sequence = readExact(bytes, 16);
  const firstIndex = readExact(bytes, 24);
  const previousTerm = readExact(bytes, 32);
  const commitIndex = readExact(bytes, 40);
  if (length < recordHeaderBytes || removes === undefined) return undefined;
  if (sequence === undefined || firstIndex === undefined) return undefined;
  if (previousTerm === undefined || commitIndex === undefined) return undefined;
  return {
    segmentId: bytes.readUInt32LE(56),
    bodyBytes: length - recordHeaderBytes,
    bodyCrc: bytes.readUInt32LE(8),
    entryCount: bytes.readUInt32LE(12),
    sequence,
    firstIndex,
    removes,
    previousTerm,
    commitIndex,
    durable: { segmentId: bytes.readUInt32LE(48), offset: bytes.readUInt32LE(52) },
  };
}

function removalOf(flags: number): Removal | undefined {
  if (flags === flagsOf.nothing) return 'nothing';
  if (flags === flagsOf.suffix) return 'suffix';
  return flags === flagsOf.everything ? 'everything' : undefined;
}
