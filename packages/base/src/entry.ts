import { InvariantViolation } from './assert.ts';
import type { LogIndex, SessionId, Term } from './ids.ts';
import { exactIntegerMax } from './ids.ts';
import { limits } from './limits.ts';

/**
 * What an entry of the log does. The number is on disk and on the wire for ever.
 * `time` has no payload: its header says all (design rule 7).
 */
export const entryKinds = {
  noop: 1,
  bootstrap: 2,
  binding: 3,
  command: 4,
  configuration: 5,
  time: 6,
  /** Every member tells its leader the hash of its state as of here (design rule 16). */
  verify: 7,
  newHistory: 8,
} as const;
export type EntryKind = (typeof entryKinds)[keyof typeof entryKinds];

/** Exactly-once bookkeeping of a client session (design rule 8). */
export interface SessionStamp {
  readonly session: SessionId;
  readonly sequence: number;
  /** The client needs no stored result below this sequence any more. */
  readonly lowestUnacknowledged: number;
}

export interface EntryHeader {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** Never decreases along the log (design rule 7). */
  readonly clusterTimeMs: number;
  readonly session?: SessionStamp | undefined;
}

/** An entry and its one encoding: the same bytes go to disk, to peers and back from disk. */
export interface Entry extends EntryHeader {
  readonly encoded: Uint8Array;
  /** Where in `encoded` the payload starts. */
  readonly payloadOffset: number;
}

/** What becomes an entry once a leader has given it its place. */
export interface Proposal {
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
  readonly session?: SessionStamp | undefined;
}

/** Bytes that are no entry of this version. */
export class MalformedEntry extends Error {
  override readonly name = 'MalformedEntry';
}

// Layout, little-endian: length u32 (whole entry), version u8, kind u8, flags u16, index f64-exact
// u64, term u64, clusterTimeMs u64, [session u64, sequence u64, lowestUnacknowledged u64], payload.
const formatVersion = 1;
const flagSession = 1;
const plainHeaderBytes = 32;
const sessionHeaderBytes = plainHeaderBytes + 24;
const twoTo32 = 2 ** 32;
const knownKinds: ReadonlySet<number> = new Set(Object.values(entryKinds));

/** The bytes that `proposal` takes as an entry. */
export function entryBytes(proposal: Proposal): number {
  const header = proposal.session === undefined ? plainHeaderBytes : sessionHeaderBytes;
  return header + proposal.payload.length;
}

/**
 * Encodes proposals as consecutive entries from `firstIndex`, all in one buffer: one allocation a
 * batch, and each payload is copied once, out of the socket's memory.
 */
export function encodeEntries(
  proposals: readonly Proposal[],
  firstIndex: LogIndex,
  term: Term,
  clusterTimeMs: number,
): Entry[] {
  let total = 0;
  for (const proposal of proposals) total += entryBytes(proposal);
  const buffer = Buffer.allocUnsafeSlow(total);
  const entries: Entry[] = [];
  let offset = 0;
  let index = firstIndex;
  for (const proposal of proposals) {
    const { kind, payload, session } = proposal;
    const length = entryBytes(proposal);
    if (length > limits.entryBytesMax) {
      throw new InvariantViolation(`entry ${index} of ${length} bytes is too large`);
    }
    const payloadOffset = length - payload.length;
    buffer.writeUInt32LE(length, offset);
    buffer[offset + 4] = formatVersion;
    buffer[offset + 5] = kind;
    buffer.writeUInt16LE(session === undefined ? 0 : flagSession, offset + 6);
    writeExact(buffer, offset + 8, index);
    writeExact(buffer, offset + 16, term);
    writeExact(buffer, offset + 24, clusterTimeMs);
    if (session !== undefined) writeSession(buffer, offset + plainHeaderBytes, session);
    buffer.set(payload, offset + payloadOffset);
    const encoded = buffer.subarray(offset, offset + length);
    entries.push({ index, term, kind, clusterTimeMs, session, encoded, payloadOffset });
    offset += length;
    index += 1;
  }
  return entries;
}

function writeSession(buffer: Buffer, offset: number, session: SessionStamp): void {
  writeExact(buffer, offset, session.session);
  writeExact(buffer, offset + 8, session.sequence);
  writeExact(buffer, offset + 16, session.lowestUnacknowledged);
}

/**
 * Decodes entries that stand one after another; the views share `bytes`. Throws {@link
 * MalformedEntry}.
 */
export function decodeEntries(bytes: Uint8Array): Entry[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Entry[] = [];
  let offset = 0;
  while (offset < buffer.length) {
    const entry = decodeEntryAt(buffer, offset);
    entries.push(entry);
    offset += entry.encoded.length;
  }
  return entries;
}

function decodeEntryAt(buffer: Buffer, offset: number): Entry {
  const left = buffer.length - offset;
  if (left < plainHeaderBytes) throw new MalformedEntry(`entry header cut at byte ${offset}`);
  const length = buffer.readUInt32LE(offset);
  const version = buffer[offset + 4];
  const kind = buffer[offset + 5] as number;
  const flags = buffer.readUInt16LE(offset + 6);
  if (version !== formatVersion) {
    throw new MalformedEntry(`entry format ${version} is not supported: upgrade this node`);
  }
  if (!knownKinds.has(kind)) {
    throw new MalformedEntry(`entry kind ${kind} is not known: upgrade this node`);
  }
  if ((flags & ~flagSession) !== 0) throw new MalformedEntry(`unknown entry flags ${flags}`);
  const payloadOffset = flags === 0 ? plainHeaderBytes : sessionHeaderBytes;
  if (length < payloadOffset || length > left || length > limits.entryBytesMax) {
    throw new MalformedEntry(`entry length ${length} at byte ${offset} of ${buffer.length}`);
  }
  return {
    index: readExact(buffer, offset + 8),
    term: readExact(buffer, offset + 16),
    kind: kind as EntryKind,
    clusterTimeMs: readExact(buffer, offset + 24),
    session: flags === 0 ? undefined : readSession(buffer, offset + 32),
    encoded: buffer.subarray(offset, offset + length),
    payloadOffset,
  };
}

function readSession(buffer: Buffer, offset: number): SessionStamp {
  return {
    session: readExact(buffer, offset),
    sequence: readExact(buffer, offset + 8),
    lowestUnacknowledged: readExact(buffer, offset + 16),
  };
}

/** A view of the payload. Copy what must outlive the entry. */
export function entryPayload(entry: Entry): Uint8Array {
  return entry.encoded.subarray(entry.payloadOffset);
}

/** Asserts without a closure: it runs three times for every entry. */
function writeExact(buffer: Buffer, offset: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new InvariantViolation(`${value} is not an exact whole number`);
  }
  buffer.writeUInt32LE(value % twoTo32, offset);
  buffer.writeUInt32LE(Math.floor(value / twoTo32), offset + 4);
}

function readExact(buffer: Buffer, offset: number): number {
  const value = buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * twoTo32;
  if (value > exactIntegerMax) throw new MalformedEntry(`number at byte ${offset} is over 2^53`);
  return value;
}
