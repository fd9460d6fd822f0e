import type { SessionId } from '@d-engine/base';
import {
  decodeLeases,
  decodeSessions,
  encodeLeases,
  encodeSessions,
} from '../snapshots/lifetime-sections.ts';
import type { BackendDurability } from './backend.ts';
import type { LeaseTable } from './lease-table.ts';
import type { SessionTable } from './session-table.ts';
import type { TableChanges } from './table-changes.ts';

// Names of records: a letter, then numbers of 8 bytes, the most significant first. Results sort
// behind all sessions, so each finds its own. What stands there is what snapshots hold.
const leaseLetter = 'l';
const sessionLetter = 's';
const resultLetter = 't';

interface Tables {
  readonly sessions: SessionTable;
  readonly leases: LeaseTable;
}

/** Writes down what became of the records that changed. */
export function keepTables(
  { sessions, leases }: Tables,
  changes: TableChanges,
  durability: BackendDurability,
): void {
  for (const id of changes.leases) {
    const lease = leases.find(id);
    durability.setRecord(nameOf(leaseLetter, id), lease ? encodeLeases([lease]) : null);
  }
  for (const id of changes.sessions) {
    const session = sessions.find(id);
    const bytes = session ? encodeSessions([{ type: 'session', ...session }]) : null;
    durability.setRecord(nameOf(sessionLetter, id), bytes);
  }
  for (const [id, sequences] of changes.results) {
    for (const sequence of sequences) keepResult(sessions, id, sequence, durability);
  }
  changes.clear();
}

function keepResult(
  sessions: SessionTable,
  id: SessionId,
  sequence: number,
  durability: BackendDurability,
): void {
  const stored = sessions.resultOf(id, sequence);
  const bytes = stored ? encodeSessions([{ type: 'result', ...stored }]) : null;
  durability.setRecord(nameOf(resultLetter, id, sequence), bytes);
}

/** Makes empty tables again what they were. */
export function readTables({ sessions, leases }: Tables, durability: BackendDurability): void {
  for (const { bytes } of durability.records(Buffer.from(leaseLetter))) {
    for (const lease of decodeLeases(bytes)) leases.add(lease);
  }
  for (const letter of [sessionLetter, resultLetter]) {
    for (const { name, bytes } of durability.records(Buffer.from(letter))) {
      for (const record of decodeSessions(bytes)) {
        if (record.type === 'session') sessions.add(record);
        else sessions.restore(numberAt(name, 1), record);
      }
    }
  }
}

function nameOf(letter: string, ...numbers: readonly number[]): Buffer {
  const name = Buffer.alloc(1 + numbers.length * 8, letter);
  for (const [position, value] of numbers.entries()) {
    name.writeUInt32BE(Math.floor(value / 2 ** 32), 1 + position * 8);
    name.writeUInt32BE(value % 2 ** 32, 5 + position * 8);
  }
  return name;
}

function numberAt(name: Uint8Array, offset: number): number {
  const bytes = Buffer.from(name);
  return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4);
}
