import type { SessionId } from '@d-engine/base';
import type {
  DataSection,
  LeasesSection,
  SessionsSection,
  SnapshotHeader,
} from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import { StorageDamage } from '../storage-errors.ts';
import { MalformedRun, readRun } from './data-run.ts';
import { compareBytes } from './slot-tree.ts';
import type { StateTables } from './state-tables.ts';

/** Fills empty tables from the sections of a snapshot. Throws StorageDamage. */
export class TablesLoading {
  readonly #header: SnapshotHeader;
  readonly #tables: StateTables;
  #lastSession: SessionId | undefined;
  #lastKey: Uint8Array | undefined;

  constructor(header: SnapshotHeader, tables: StateTables) {
    this.#header = header;
    this.#tables = tables;
  }

  take(section: SessionsSection | LeasesSection | DataSection): void {
    switch (section.kind) {
      case snapshotSectionKinds.sessions:
        return this.#takeSessions(section);
      case snapshotSectionKinds.leases:
        return this.#takeLeases(section);
      case snapshotSectionKinds.data:
        return this.#takeRun(section);
    }
  }

  #takeSessions({ records }: SessionsSection): void {
    const { sessions } = this.#tables;
    for (const record of records) {
      if (record.type === 'session') {
        if (sessions.find(record.id) !== undefined) throw this.#damaged('a session stands twice');
        sessions.add(record);
        this.#lastSession = record.id;
        continue;
      }
      if (this.#lastSession === undefined) throw this.#damaged('a result without its session');
      sessions.restore(this.#lastSession, record);
    }
  }

  #takeLeases({ leases }: LeasesSection): void {
    for (const lease of leases) {
      if (this.#tables.leases.has(lease.id)) throw this.#damaged('a lease stands twice');
      this.#tables.leases.add(lease);
    }
  }

  #takeRun(section: DataSection): void {
    let keyCount = 0;
    try {
      for (const record of readRun(section.run)) {
        if (this.#lastKey !== undefined && compareBytes(record.key, this.#lastKey) <= 0) {
          throw this.#damaged('its keys do not rise');
        }
        if (record.lease !== 0 && !this.#tables.leases.has(record.lease)) {
          throw this.#damaged('a key hangs on no lease');
        }
        this.#tables.keys.restore(record);
        this.#lastKey = record.key;
        keyCount += 1;
      }
    } catch (error) {
      if (error instanceof MalformedRun) throw this.#damaged(error.message);
      throw error;
    }
    if (keyCount !== section.keyCount) throw this.#damaged('a run counts other keys');
  }

  #damaged(reason: string): StorageDamage {
    return damagedSnapshot(this.#header, reason);
  }
}

export function damagedSnapshot(header: SnapshotHeader, reason: string): StorageDamage {
  const file = `the snapshot of entry ${header.index}`;
  return new StorageDamage({ file, offset: 0, reason });
}
