import { crc32 } from 'node:zlib';
import type { InstanceId, LogIndex, Term } from '@d-engine/base';
import { readExact, writeExact } from './exact-integer.ts';

/**
 * The first bytes of a segment, written together with its first record, never before: a segment
 * whose header stands was in use, so everything in the segments before it is durable.
 * Little-endian: magic 8 bytes, format version u32, segment id u32, first index u64, previous term
 * u64, first sequence u64, owner 16 bytes, capacity u32, CRC-32 of everything before it.
 */
export const segmentHeaderBytes = 64;
export const logFormatVersion = 1;
export const segmentIdMax: number = 2 ** 32 - 1;
/** A few small records; only tests go this low. */
export const segmentBytesMin = 1024;

const magic = 'dEngLog\n';
const crcOffset = segmentHeaderBytes - 4;

export interface SegmentHeader {
  /** Rises by one from segment to segment; also the file's name. */
  readonly segmentId: number;
  /** The index after the last entry of the segments before it. */
  readonly firstIndex: LogIndex;
  /** Term of that last entry; 0 at the start of the log. */
  readonly previousTerm: Term;
  /** Sequence number of its first record. */
  readonly firstSequence: number;
  /** The instance id of the data directory: a file from another one is refused. */
  readonly owner: InstanceId;
  /** Size of the file. */
  readonly capacity: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const buffer = Buffer.alloc(segmentHeaderBytes);
  buffer.write(magic, 0, 'latin1');
  buffer.writeUInt32LE(logFormatVersion, 8);
  buffer.writeUInt32LE(header.segmentId, 12);
  writeExact(buffer, 16, header.firstIndex);
  writeExact(buffer, 24, header.previousTerm);
  writeExact(buffer, 32, header.firstSequence);
  buffer.write(header.owner, 40, 'hex');
  buffer.writeUInt32LE(header.capacity, 56);
  buffer.writeUInt32LE(crc32(buffer.subarray(0, crcOffset)), crcOffset);
  return buffer;
}

export type SegmentStart =
  | { readonly type: 'header'; readonly header: SegmentHeader }
  /** Zeros: prepared and not yet in use. */
  | { readonly type: 'unused' }
  | { readonly type: 'damaged' }
  | { readonly type: 'unsupported'; readonly version: number };

export function decodeSegmentStart(bytes: Uint8Array): SegmentStart {
  const damaged: SegmentStart = { type: 'damaged' };
  if (bytes.length < segmentHeaderBytes) return damaged;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, segmentHeaderBytes);
  if (buffer.every((byte) => byte === 0)) return { type: 'unused' };
  if (buffer.toString('latin1', 0, 8) !== magic) return damaged;
  // Every version keeps magic, version and checksum in these places, so that a version that went
  // bad is told from a newer one: what looks like a torn header may be overwritten, and a newer
  // release's data must not be.
  const crc = crc32(buffer.subarray(0, crcOffset));
  if (buffer.readUInt32LE(crcOffset) !== crc) return damaged;
  const version = buffer.readUInt32LE(8);
  if (version !== logFormatVersion) return { type: 'unsupported', version };
  const firstIndex = readExact(buffer, 16);
  const previousTerm = readExact(buffer, 24);
  const firstSequence = readExact(buffer, 32);
  if (firstIndex === undefined || previousTerm === undefined || firstSequence === undefined) {
    return damaged;
  }
  return {
    type: 'header',
    header: {
      segmentId: buffer.readUInt32LE(12),
      firstIndex,
      previousTerm,
      firstSequence,
      owner: buffer.toString('hex', 40, 56),
      capacity: buffer.readUInt32LE(56),
    },
  };
}
