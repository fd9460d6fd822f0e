import type { LeaseId, LeaseStatus, Revision } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import type { StateEvent } from '../contracts.ts';
import { StateHash } from '../state-hash.ts';
import type { KeyValueBackend } from './backend.ts';
import { keepTables, readTables } from './kept-tables.ts';
import { keyOfName } from './key-name.ts';
import { KeySpace } from './key-space.ts';
import { LeaseTable, leaseOverheadBytes } from './lease-table.ts';
import { SessionTable } from './session-table.ts';
import type { StateMark } from './state-mark.ts';
import { TableChanges } from './table-changes.ts';

type KeptState = Pick<StateMark, 'keyCount' | 'keyBytes' | 'hashLow' | 'hashHigh'>;

/** All that entries change, and the hash over it. */
export class StateTables {
  readonly hash: StateHash = new StateHash();
  readonly leases: LeaseTable;
  readonly sessions: SessionTable;
  readonly keys: KeySpace;
  /** Undefined: nothing is found here after a start. */
  readonly #changes: TableChanges | undefined;

  constructor(store: KeyValueBackend, onEvent: ((event: StateEvent) => void) | undefined) {
    const { hash } = this;
    this.#changes = store.durability === undefined ? undefined : new TableChanges();
    this.leases = new LeaseTable(hash, this.#changes);
    this.sessions = new SessionTable(hash, this.#changes);
    this.keys = new KeySpace({ store, hash, leases: this.leases, onEvent });
  }

  /** What all of it holds in memory, about. */
  get bytes(): number {
    return this.keys.bytes + this.sessions.bytes + this.leases.size * leaseOverheadBytes;
  }

  /** Has a backend on disk write down what changed, and says what stands in its mark. */
  keep(): KeptState {
    const { keys } = this;
    if (keys.durability !== undefined && this.#changes !== undefined) {
      keepTables(this, this.#changes, keys.durability);
    }
    return { keyCount: keys.count, keyBytes: keys.bytes, ...this.hash.lanes };
  }

  /** Becomes what `keep` wrote down. */
  goOnFrom(kept: KeptState): void {
    const { durability } = this.keys;
    assert(durability !== undefined, 'only a state on disk goes on');
    readTables(this, durability);
    this.keys.goOnFrom(kept.keyBytes);
    this.#changes?.clear();
    this.hash.lanes = kept;
  }

  /** When the first key, lease or session goes away; undefined when none does by itself. */
  get nextDueMs(): number | undefined {
    const { keys, leases, sessions } = this;
    const due = [keys.nextDueMs, leases.nextDueMs, sessions.nextDueMs];
    const known = due.filter((dueMs) => dueMs !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /**
   * Removes what is due, up to a bound: what is left over is due at the next time entry too. Only
   * time entries do so, so that the changes of a client's command have its revision to themselves.
   */
  expire(nowMs: number, revision: Revision): void {
    let removed = 0;
    while (removed < limits.expiriesPerEntryMax) {
      const lease = this.leases.takeDue(nowMs);
      if (lease !== undefined) removed += 1 + this.endLease(lease, revision);
      else if (this.keys.removeDue(nowMs, revision)) removed += 1;
      else if (this.sessions.removeDue(nowMs)) removed += 1;
      else return;
    }
  }

  /** Removes the lease and all keys that hang on it; says how many. */
  endLease(lease: LeaseId, revision: Revision): number {
    const names = this.leases.keyNames(lease);
    for (const name of names) this.keys.delete(keyOfName(name), revision);
    this.leases.remove(lease);
    return names.length;
  }

  leaseState(id: LeaseId, nowMs: number): Omit<LeaseStatus, 'revision'> | null {
    const lease = this.leases.find(id);
    if (lease === undefined) return null;
    const { ttlMs, expiresAtMs } = lease;
    const keys = this.leases.keyNames(id).map(keyOfName);
    return { lease: id, ttlMs, leftMs: Math.max(0, expiresAtMs - nowMs), keys };
  }
}
