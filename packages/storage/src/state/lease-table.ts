import type { LeaseId } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { StateHash } from '../state-hash.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import type { TableChanges } from './table-changes.ts';

/** What a snapshot says of a lease; the keys that hang on it say so themselves. */
export interface LeaseRecord {
  readonly id: LeaseId;
  readonly ttlMs: number;
  /** In cluster time. */
  readonly expiresAtMs: number;
}

interface Lease extends LeaseRecord {
  readonly keyNames: Set<string>;
}

/** What a lease costs in memory, besides its keys. Measured. */
export const leaseOverheadBytes = 480;
/** What it costs that a key hangs on a lease. Measured. */
export const leasedKeyOverheadBytes = 96;

const hashTag = 'lease';

/** The leases, part of the replicated state. Every change of one is in the state's hash. */
export class LeaseTable {
  readonly #hash: StateHash;
  readonly #changes: TableChanges | undefined;
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #expiry = new ExpiryQueue<LeaseId>();

  /** `changes`: who is told of each record that changes. */
  constructor(hash: StateHash, changes?: TableChanges) {
    this.#hash = hash;
    this.#changes = changes;
  }

  get size(): number {
    return this.#leases.size;
  }

  get nextDueMs(): number | undefined {
    return this.#expiry.nextDueMs;
  }

  has(id: LeaseId): boolean {
    return this.#leases.has(id);
  }

  find(id: LeaseId): LeaseRecord | undefined {
    return this.#leases.get(id);
  }

  keyCount(id: LeaseId): number {
    return this.#lease(id).keyNames.size;
  }

  /** In the order of their bytes: the same on every member. */
  keyNames(id: LeaseId): readonly string[] {
    return [...this.#lease(id).keyNames].sort(byCodeUnits);
  }

  add({ id, ttlMs, expiresAtMs }: LeaseRecord): void {
    assert(!this.#leases.has(id), () => `lease ${id} is there already`);
    this.#leases.set(id, { id, ttlMs, expiresAtMs, keyNames: new Set() });
    this.#changes?.leases.add(id);
    this.#hash.addNumbers(hashTag, [id, ttlMs, expiresAtMs]);
    this.#expiry.set(id, expiresAtMs);
  }

  renew(id: LeaseId, nowMs: number): void {
    const lease = this.#lease(id);
    const { ttlMs, keyNames } = lease;
    const expiresAtMs = nowMs + ttlMs;
    assert(expiresAtMs >= lease.expiresAtMs, () => `the renewal shortens lease ${id}`);
    this.#hash.removeNumbers(hashTag, [id, ttlMs, lease.expiresAtMs]);
    this.#hash.addNumbers(hashTag, [id, ttlMs, expiresAtMs]);
    this.#leases.set(id, { id, ttlMs, expiresAtMs, keyNames });
    this.#changes?.leases.add(id);
    this.#expiry.set(id, expiresAtMs);
  }

  attach(id: LeaseId, keyName: string): void {
    this.#lease(id).keyNames.add(keyName);
  }

  detach(id: LeaseId, keyName: string): void {
    const wasThere = this.#lease(id).keyNames.delete(keyName);
    assert(wasThere, () => `a key hung on lease ${id}, which did not know`);
  }

  /** Requires: no key hangs on it any more. */
  remove(id: LeaseId): void {
    const { ttlMs, expiresAtMs, keyNames } = this.#lease(id);
    assert(keyNames.size === 0, () => `keys still hang on lease ${id}`);
    this.#hash.removeNumbers(hashTag, [id, ttlMs, expiresAtMs]);
    this.#leases.delete(id);
    this.#changes?.leases.add(id);
    this.#expiry.delete(id);
  }

  /** One that is due at `nowMs`, to be removed now. */
  takeDue(nowMs: number): LeaseId | undefined {
    return this.#expiry.takeDue(nowMs);
  }

  /** As they are now: what happens later does not show in it. */
  records(): readonly LeaseRecord[] {
    return [...this.#leases.values()];
  }

  #lease(id: LeaseId): Lease {
    const lease = this.#leases.get(id);
    assert(lease !== undefined, () => `there is no lease ${id}`);
    return lease;
  }
}

function byCodeUnits(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
