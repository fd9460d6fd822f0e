import { limits, MalformedMessage, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import type { LeasesSection, SessionSectionRecord, SessionsSection } from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import type { LeaseRecord } from '../state/lease-table.ts';
import type { FrozenSession, SessionRecord, StoredResult } from '../state/session-table.ts';

// Sessions and leases in snapshots. The numbers are in files for ever.

/** What a record takes besides its bytes, at most. */
const recordOverheadBytes = 64;
const leasesPerSection = Math.floor(limits.snapshotRunBytes / recordOverheadBytes);

/** Sections of about a run's size, however many results there are. */
export function* sessionSections(sessions: Iterable<FrozenSession>): Generator<SessionsSection> {
  const kind = snapshotSectionKinds.sessions;
  let records: SessionSectionRecord[] = [];
  let bytes = 0;
  for (const { results, ...session } of sessions) {
    records.push({ type: 'session', ...session });
    bytes += session.name.length * 3 + recordOverheadBytes;
    for (const stored of results) {
      const size = stored.result.length + recordOverheadBytes;
      if (bytes + size > limits.snapshotRunBytes && records.length > 0) {
        yield { kind, records };
        records = [];
        bytes = 0;
      }
      records.push({ type: 'result', ...stored });
      bytes += size;
    }
    if (bytes > limits.snapshotRunBytes) {
      yield { kind, records };
      records = [];
      bytes = 0;
    }
  }
  if (records.length > 0) yield { kind, records };
}

export function* leaseSections(leases: readonly LeaseRecord[]): Generator<LeasesSection> {
  const kind = snapshotSectionKinds.leases;
  for (let at = 0; at < leases.length; at += leasesPerSection) {
    yield { kind, leases: leases.slice(at, at + leasesPerSection) };
  }
}

export function encodeSessions(records: readonly SessionSectionRecord[]): Uint8Array {
  const writer = new ProtobufWriter(4096);
  for (const record of records) {
    if (record.type === 'session') writer.bytes(1, encodeSession(record));
    else writer.bytes(2, encodeStored(record));
  }
  return writer.finish();
}

export function decodeSessions(body: Uint8Array): SessionSectionRecord[] {
  const reader = new ProtobufReader(body);
  const records: SessionSectionRecord[] = [];
  while (reader.next()) {
    if (reader.field === 1) records.push({ type: 'session', ...decodeSession(reader.bytes()) });
    else if (reader.field === 2) records.push({ type: 'result', ...decodeStored(reader.bytes()) });
    else throw unknownField('sessions', reader.field);
  }
  return records;
}

function encodeSession(session: SessionRecord): Uint8Array {
  const writer = new ProtobufWriter(64);
  writer.uint(1, session.id);
  writer.string(2, session.name);
  writer.uint(3, session.ttlMs);
  writer.uint(4, session.expiresAtMs);
  writer.uint(5, session.lowestUnacknowledged);
  return writer.finish();
}

function decodeSession(bytes: Uint8Array): SessionRecord {
  const reader = new ProtobufReader(bytes);
  const numbers = { id: 0, ttlMs: 0, expiresAtMs: 0, lowestUnacknowledged: 0 };
  let name = '';
  while (reader.next()) {
    if (reader.field === 1) numbers.id = reader.uint();
    else if (reader.field === 2) name = reader.string();
    else if (reader.field === 3) numbers.ttlMs = reader.uint();
    else if (reader.field === 4) numbers.expiresAtMs = reader.uint();
    else if (reader.field === 5) numbers.lowestUnacknowledged = reader.uint();
    else throw unknownField('session', reader.field);
  }
  return { ...numbers, name };
}

function encodeStored(stored: StoredResult): Uint8Array {
  const writer = new ProtobufWriter(stored.result.length + recordOverheadBytes);
  writer.uint(1, stored.sequence);
  writer.uint(2, stored.digestLow);
  writer.uint(3, stored.digestHigh);
  writer.bytes(4, stored.result);
  return writer.finish();
}

function decodeStored(bytes: Uint8Array): StoredResult {
  const reader = new ProtobufReader(bytes);
  const numbers = { sequence: 0, digestLow: 0, digestHigh: 0 };
  let result: Uint8Array = new Uint8Array(0);
  while (reader.next()) {
    if (reader.field === 1) numbers.sequence = reader.uint();
    else if (reader.field === 2) numbers.digestLow = reader.uint();
    else if (reader.field === 3) numbers.digestHigh = reader.uint();
    // A copy: it outlives the section.
    else if (reader.field === 4) result = Uint8Array.from(reader.bytes());
    else throw unknownField('stored result', reader.field);
  }
  return { ...numbers, result };
}

export function encodeLeases(leases: readonly LeaseRecord[]): Uint8Array {
  const writer = new ProtobufWriter(4096);
  for (const lease of leases) {
    const inner = new ProtobufWriter(32);
    inner.uint(1, lease.id);
    inner.uint(2, lease.ttlMs);
    inner.uint(3, lease.expiresAtMs);
    writer.bytes(1, inner.finish());
  }
  return writer.finish();
}

export function decodeLeases(body: Uint8Array): LeaseRecord[] {
  const reader = new ProtobufReader(body);
  const leases: LeaseRecord[] = [];
  while (reader.next()) {
    if (reader.field !== 1) throw unknownField('leases', reader.field);
    leases.push(decodeLease(reader.bytes()));
  }
  return leases;
}

function decodeLease(bytes: Uint8Array): LeaseRecord {
  const reader = new ProtobufReader(bytes);
  const lease = { id: 0, ttlMs: 0, expiresAtMs: 0 };
  while (reader.next()) {
    if (reader.field === 1) lease.id = reader.uint();
    else if (reader.field === 2) lease.ttlMs = reader.uint();
    else if (reader.field === 3) lease.expiresAtMs = reader.uint();
    else throw unknownField('lease', reader.field);
  }
  return lease;
}

function unknownField(what: string, field: number): MalformedMessage {
  return new MalformedMessage(`${what} field ${field} is not known: upgrade this node`);
}
