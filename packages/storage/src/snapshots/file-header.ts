import { crc32 } from 'node:zlib';
import { readExact, writeExact } from '../exact-integer.ts';
import type { SnapshotHeader } from '../snapshot-format.ts';
import { snapshotFormatVersion } from '../snapshot-format.ts';

/**
 * The first bytes of a snapshot. Little-endian: magic 8 bytes, format version u32, flags u32 (0),
 * index u64, term u64, wall time of the cluster's birth u64, cluster id 16 bytes, reserved u32 (0),
 * CRC-32 of everything before it. Every version keeps magic, version and CRC where they are.
 */
export const fileHeaderBytes = 64;

const magic = 'dEngSnp\n';
const crcOffset = fileHeaderBytes - 4;

export type FileStart =
  | {
      readonly type: 'header';
      readonly header: SnapshotHeader;
      /** Checksums of the sections start from it: bytes of another snapshot are no section. */
      readonly seed: number;
    }
  | { readonly type: 'damaged'; readonly reason: string }
  | { readonly type: 'unsupported'; readonly what: string; readonly version: number };

export function encodeFileHeader(header: SnapshotHeader): Buffer {
  const buffer = Buffer.alloc(fileHeaderBytes);
  buffer.write(magic, 0, 'latin1');
  buffer.writeUInt32LE(snapshotFormatVersion, 8);
  writeExact(buffer, 16, header.index);
  writeExact(buffer, 24, header.term);
  writeExact(buffer, 32, header.formedAtWallMs);
  buffer.write(header.clusterId, 40, 'hex');
  buffer.writeUInt32LE(crc32(buffer.subarray(0, crcOffset)), crcOffset);
  return buffer;
}

export function decodeFileHeader(bytes: Uint8Array): FileStart {
  if (bytes.length < fileHeaderBytes) return { type: 'damaged', reason: 'its header is cut off' };
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, fileHeaderBytes);
  if (buffer.toString('latin1', 0, 8) !== magic) {
    return { type: 'damaged', reason: 'it does not begin as a snapshot' };
  }
  const seed = buffer.readUInt32LE(crcOffset);
  if (seed !== crc32(buffer.subarray(0, crcOffset))) {
    return { type: 'damaged', reason: 'its header does not match its checksum' };
  }
  const version = buffer.readUInt32LE(8);
  if (version !== snapshotFormatVersion) {
    return { type: 'unsupported', what: `format version ${version}`, version };
  }
  const flags = buffer.readUInt32LE(12);
  if (flags !== 0 || buffer.readUInt32LE(56) !== 0) {
    return { type: 'unsupported', what: `header flags ${flags}`, version };
  }
  const index = readExact(buffer, 16);
  const term = readExact(buffer, 24);
  const formedAtWallMs = readExact(buffer, 32);
  if (index === undefined || term === undefined || formedAtWallMs === undefined) {
    return { type: 'damaged', reason: 'a number in its header is too large' };
  }
  const clusterId = buffer.toString('hex', 40, 56);
  return { type: 'header', header: { clusterId, formedAtWallMs, index, term }, seed };
}
