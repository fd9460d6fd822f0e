import { crc32 } from 'node:zlib';
import { limits } from '@d-engine/base';

/**
 * Stands before each section. Little-endian: kind u16, version u16, flags u32 (1: gzip), number of
 * the section in its file u32, length in the file u32, length of the content u32, keys in it u32,
 * CRC-32 of the bytes in the file u32, CRC-32 of everything before it u32. Both checksums start
 * from the one of the file's header.
 */
export const sectionHeaderBytes = 32;
export const sectionVersion = 1;
export const gzipFlag = 1;

const bodyCrcOffset = 24;
const crcOffset = 28;

export interface SectionHeader {
  readonly kind: number;
  readonly version: number;
  readonly flags: number;
  readonly number: number;
  /** As it is in the file: compressed, if the flag says so. */
  readonly storedBytes: number;
  readonly contentBytes: number;
  readonly keyCount: number;
  readonly bodyCrc: number;
}

export function encodeSectionHeader(
  header: Omit<SectionHeader, 'bodyCrc' | 'storedBytes'>,
  body: Uint8Array,
  seed: number,
): Buffer {
  const buffer = Buffer.allocUnsafe(sectionHeaderBytes);
  buffer.writeUInt16LE(header.kind, 0);
  buffer.writeUInt16LE(header.version, 2);
  buffer.writeUInt32LE(header.flags, 4);
  buffer.writeUInt32LE(header.number, 8);
  buffer.writeUInt32LE(body.length, 12);
  buffer.writeUInt32LE(header.contentBytes, 16);
  buffer.writeUInt32LE(header.keyCount, 20);
  buffer.writeUInt32LE(bodyChecksum(body, seed), bodyCrcOffset);
  buffer.writeUInt32LE(crc32(buffer.subarray(0, crcOffset), seed), crcOffset);
  return buffer;
}

/** The header; or what is wrong with these bytes. */
export function decodeSectionHeader(bytes: Uint8Array, seed: number): SectionHeader | string {
  if (bytes.length < sectionHeaderBytes) return 'the file ends where a section should begin';
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, sectionHeaderBytes);
  if (buffer.readUInt32LE(crcOffset) !== crc32(buffer.subarray(0, crcOffset), seed)) {
    return "a section's header does not match its checksum";
  }
  const header = {
    kind: buffer.readUInt16LE(0),
    version: buffer.readUInt16LE(2),
    flags: buffer.readUInt32LE(4),
    number: buffer.readUInt32LE(8),
    storedBytes: buffer.readUInt32LE(12),
    contentBytes: buffer.readUInt32LE(16),
    keyCount: buffer.readUInt32LE(20),
    bodyCrc: buffer.readUInt32LE(bodyCrcOffset),
  };
  const max = limits.snapshotSectionBytesMax;
  if (header.storedBytes > max || header.contentBytes > max) return 'a section is too long';
  return header;
}

/** Of no bytes, Node's crc32 is 0 or the seed, by where the buffer comes from. */
export function bodyChecksum(body: Uint8Array, seed: number): number {
  return body.length === 0 ? seed : crc32(body, seed);
}
