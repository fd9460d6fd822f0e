import { crc32 } from 'node:zlib';
import type { Entry, InstanceId, LogIndex } from '@d-engine/base';
import { decodeEntries, MalformedEntry } from '@d-engine/base';
import type { EntryId } from './entry-id.ts';
import { readExact, writeExact } from './exact-integer.ts';
import type { Anchor } from './log-segment.ts';
import type { LogPosition } from './record-header.ts';
import { recordSeed } from './record-header.ts';
import type { TermStart } from './term-starts.ts';

/**
 * All that the records of a full segment do to the log before it, so that a start need not read
 * them. It is only a copy: whatever is wrong with it, the records themselves are read instead.
 */
export interface SegmentSummary {
  readonly segmentId: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** After the last record. */
  readonly endOffset: number;
  /** Of the log before this segment, what is up to here stays; its entries follow it. */
  readonly kept: EntryId;
  /** Nothing before this segment stays: `kept` is an entry of a snapshot. */
  readonly resets: boolean;
  readonly lastIndex: LogIndex;
  readonly commitIndex: LogIndex;
  /** The largest durable position that a record of it, or before it, claims. */
  readonly durable: LogPosition;
  /** Of its entries that stood when it was full; the first says the term of the first one. */
  readonly termStarts: readonly TermStart[];
  readonly membershipEntries: readonly Entry[];
  readonly anchors: readonly Anchor[];
}

/**
 * Little-endian: magic 8 bytes, format version u32, segment id u32, owner 16 bytes, flags u32 (1:
 * it resets), end offset u32, durable segment u32, durable offset u32, counts of term starts and of
 * anchors u32 each, bytes of the membership entries u32, reserved u32, first sequence u64, last
 * sequence u64, kept index u64, kept term u64, last index u64, commit index u64; then index u64 and
 * term u64 of each term start, index u64 and offset u64 of each anchor, the membership entries, and
 * a CRC-32 of everything before it, from the seed of the segment's records.
 */
export const summaryFormatVersion = 1;

const magic = 'dEngSum\n';
const headBytes = 112;
const pairBytes = 16;
const crcBytes = 4;
const flagResets = 1;

export function encodeSummary(summary: SegmentSummary, owner: InstanceId): Buffer {
  const { termStarts, anchors, membershipEntries, kept, durable, segmentId } = summary;
  const entryBytes = membershipEntries.reduce((sum, { encoded }) => sum + encoded.length, 0);
  const pairsEnd = headBytes + pairBytes * (termStarts.length + anchors.length);
  const buffer = Buffer.alloc(pairsEnd + entryBytes + crcBytes);
  buffer.write(magic, 0, 'latin1');
  buffer.writeUInt32LE(summaryFormatVersion, 8);
  buffer.writeUInt32LE(segmentId, 12);
  buffer.write(owner, 16, 'hex');
  buffer.writeUInt32LE(summary.resets ? flagResets : 0, 32);
  const small = [summary.endOffset, durable.segmentId, durable.offset];
  for (const [position, value] of [...small, termStarts.length, anchors.length].entries()) {
    buffer.writeUInt32LE(value, 36 + 4 * position);
  }
  buffer.writeUInt32LE(entryBytes, 56);
  const { firstSequence, lastSequence, lastIndex, commitIndex } = summary;
  const large = [firstSequence, lastSequence, kept.index, kept.term, lastIndex, commitIndex];
  for (const [position, value] of large.entries()) writeExact(buffer, 64 + 8 * position, value);
  let offset = headBytes;
  for (const { index, term } of termStarts) offset = writePair(buffer, offset, index, term);
  for (const anchor of anchors) offset = writePair(buffer, offset, anchor.index, anchor.offset);
  for (const { encoded } of membershipEntries) {
    buffer.set(encoded, offset);
    offset += encoded.length;
  }
  buffer.writeUInt32LE(crc32(buffer.subarray(0, offset), recordSeed(owner, segmentId)), offset);
  return buffer;
}

/** Undefined: not a summary of this segment, or damaged, or of another release. */
export function decodeSummary(
  bytes: Uint8Array,
  segmentId: number,
  owner: InstanceId,
): SegmentSummary | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const crcOffset = buffer.length - crcBytes;
  if (crcOffset < headBytes || buffer.toString('latin1', 0, 8) !== magic) return undefined;
  const crc = crc32(buffer.subarray(0, crcOffset), recordSeed(owner, segmentId));
  if (buffer.readUInt32LE(crcOffset) !== crc) return undefined;
  if (buffer.readUInt32LE(8) !== summaryFormatVersion) return undefined;
  if (buffer.readUInt32LE(12) !== segmentId || (buffer.readUInt32LE(32) & ~flagResets) !== 0) {
    return undefined;
  }
  const reader = new PairReader(buffer, 64);
  const sequences = reader.pair();
  const kept = reader.pair();
  const indexes = reader.pair();
  const termStarts = reader.pairs(buffer.readUInt32LE(48));
  const anchors = reader.pairs(buffer.readUInt32LE(52));
  const entries = buffer.subarray(reader.offset, crcOffset);
  if (reader.isBroken || entries.length !== buffer.readUInt32LE(56)) return undefined;
  const membershipEntries = decodeOwnEntries(entries);
  if (membershipEntries === undefined) return undefined;
  return {
    segmentId,
    firstSequence: sequences[0],
    lastSequence: sequences[1],
    endOffset: buffer.readUInt32LE(36),
    kept: { index: kept[0], term: kept[1] },
    resets: buffer.readUInt32LE(32) === flagResets,
    lastIndex: indexes[0],
    commitIndex: indexes[1],
    durable: { segmentId: buffer.readUInt32LE(40), offset: buffer.readUInt32LE(44) },
    termStarts: termStarts.map(([index, term]) => ({ index, term })),
    membershipEntries,
    anchors: anchors.map(([index, offset]) => ({ index, offset })),
  };
}

function writePair(buffer: Buffer, offset: number, left: number, right: number): number {
  writeExact(buffer, offset, left);
  writeExact(buffer, offset + 8, right);
  return offset + pairBytes;
}

type Pair = readonly [number, number];

class PairReader {
  readonly #buffer: Buffer;
  offset: number;
  isBroken = false;

  constructor(buffer: Buffer, offset: number) {
    this.#buffer = buffer;
    this.offset = offset;
  }

  pair(): Pair {
    const end = this.offset + pairBytes;
    if (end > this.#buffer.length) this.isBroken = true;
    if (this.isBroken) return [0, 0];
    const left = readExact(this.#buffer, this.offset);
    const right = readExact(this.#buffer, this.offset + 8);
    this.offset = end;
    if (left === undefined || right === undefined) this.isBroken = true;
    return [left ?? 0, right ?? 0];
  }

  pairs(count: number): Pair[] {
    if (count * pairBytes > this.#buffer.length) this.isBroken = true;
    return this.isBroken ? [] : Array.from({ length: count }, () => this.pair());
  }
}

/** In a buffer of their own. */
function decodeOwnEntries(bytes: Uint8Array): Entry[] | undefined {
  try {
    return decodeEntries(Uint8Array.from(bytes));
  } catch (error) {
    if (error instanceof MalformedEntry) return undefined;
    throw error;
  }
}
