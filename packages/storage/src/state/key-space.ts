import type { KeyRange, KeyValue, LeaseId, Revision } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import type { StateEvent } from '../contracts.ts';
import type { ScanPage, ScanQuery } from '../scan-page.ts';
import type { HashedMeta, StateHash } from '../state-hash.ts';
import type {
  BackendDurability,
  BackendView,
  KeyValueBackend,
  RecordMeta,
  StoredKeyValue,
} from './backend.ts';
import type { RunRecord } from './data-run.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { keyNameOf, keyOfName } from './key-name.ts';
import type { LeaseTable } from './lease-table.ts';
import { leasedKeyOverheadBytes } from './lease-table.ts';
import { compareBytes } from './slot-tree.ts';

/** What a key costs besides its own bytes: table slot, objects, buffer headers. Measured. */
export const keyOverheadBytes = 320;
/** What it costs that a key goes away by itself: its name twice, and a place in the queue. */
export const expiringKeyOverheadBytes = 320;

/** Lengths and revisions of one entry of an answer, at most. */
export const answerEntryOverheadBytes = 96;

/** What is written with a value. */
export interface WriteMoment {
  readonly revision: Revision;
  /** In cluster time; 0: never by itself. */
  readonly expiresAt: number;
  /** 0: on none. Requires: the lease is there. */
  readonly lease: LeaseId;
}

/**
 * The keys, whatever backend keeps them, with all that depends on each: its part of the state's
 * hash and size, its place among what goes away by itself, its lease, the events of its changes.
 */
export class KeySpace {
  readonly #store: KeyValueBackend;
  readonly #hash: StateHash;
  readonly #leases: LeaseTable;
  readonly #expiry = new ExpiryQueue<string>();
  /** Undefined: nobody watches. */
  readonly #onEvent: ((event: StateEvent) => void) | undefined;
  /** What is written beside the next key and value; one object for all. */
  readonly #meta = newMeta();
  /** Invariant: the sum of key, value and overhead bytes of all keys. */
  #bytes = 0;

  constructor(options: {
    store: KeyValueBackend;
    hash: StateHash;
    leases: LeaseTable;
    onEvent: ((event: StateEvent) => void) | undefined;
  }) {
    this.#store = options.store;
    this.#hash = options.hash;
    this.#leases = options.leases;
    this.#onEvent = options.onEvent;
  }

  get count(): number {
    return this.#store.keyCount;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keys with a TTL of their own. */
  get expiringCount(): number {
    return this.#expiry.size;
  }

  get nextDueMs(): number | undefined {
    return this.#expiry.nextDueMs;
  }

  view(): BackendView {
    return this.#store.view();
  }

  get durability(): BackendDurability | undefined {
    return this.#store.durability;
  }

  /** The keys of a backend on disk are there already; what hangs on them is not. */
  goOnFrom(bytes: number): void {
    this.#bytes = bytes;
    const { durability } = this.#store;
    assert(durability !== undefined, 'only a state on disk goes on');
    for (const key of durability.keysWithLifetime()) {
      const { expiresAt, lease } = this.#store;
      this.#link(keyNameOf(key), expiresAt, lease);
    }
  }

  successor(): KeyValueBackend {
    return this.#store.successor();
  }

  /** With the very key object; what is left of its time as of `nowMs`. */
  read(key: Uint8Array, nowMs: number): KeyValue | null {
    const found = this.#store.read(key);
    return found === null ? null : asOf(found, nowMs);
  }

  /** Undefined when the key is absent. */
  valueLength(key: Uint8Array): number | undefined {
    return this.#store.find(key) ? this.#store.valueLength : undefined;
  }

  /** The caller's own copy; null when the key is absent. */
  copyValue(key: Uint8Array): Uint8Array | null {
    return this.#store.find(key) ? this.#store.copyValue() : null;
  }

  /** Whether the key is absent, for null, or has just this value. */
  holds(key: Uint8Array, expected: Uint8Array | null): boolean {
    if (!this.#store.find(key)) return expected === null;
    return expected !== null && this.#store.valueIs(expected);
  }

  put(key: Uint8Array, value: Uint8Array, { revision, expiresAt, lease }: WriteMoment): void {
    const store = this.#store;
    const isThere = store.find(key);
    const createRevision = isThere ? store.createRevision : revision;
    const version = isThere ? store.version + 1 : 1;
    if (this.#onEvent !== undefined) {
      const previous = isThere ? store.copyValue() : null;
      const own = { key: ownCopy(key), value: ownCopy(value), previous };
      this.#onEvent({ revision, type: 'put', ...own });
    }
    const numbers = { createRevision, modRevision: revision, version, expiresAt, lease };
    this.#write(key, value, numbers, isThere);
  }

  delete(key: Uint8Array, revision: Revision): boolean {
    const store = this.#store;
    if (!store.find(key)) return false;
    const { valueLength, expiresAt, lease } = store;
    this.#bytes -= recordCost(key.length, valueLength, expiresAt, lease);
    assert(this.#bytes >= 0, 'the state holds less than nothing');
    this.#hash.remove(store);
    if (this.#onEvent !== undefined) {
      const own = { key: ownCopy(key), value: null, previous: store.copyValue() };
      this.#onEvent({ revision, type: 'delete', ...own });
    }
    if (expiresAt !== 0 || lease !== 0) this.#unlink(keyNameOf(key), expiresAt, lease);
    store.remove(key);
    return true;
  }

  /** Removes the first key that is due at `nowMs`; false when none is. */
  removeDue(nowMs: number, revision: Revision): boolean {
    const name = this.#expiry.takeDue(nowMs);
    if (name === undefined) return false;
    const wasThere = this.delete(keyOfName(name), revision);
    assert(wasThere, 'a key that expires is there');
    return true;
  }

  /** A record of a snapshot, whose key is not there yet. */
  restore(record: RunRecord): void {
    this.#store.find(record.key);
    this.#write(record.key, record.value, record, false);
  }

  /** As many entries as fit in an answer, but at least one of the range. */
  scan(query: ScanQuery, nowMs: number): ScanPage {
    const entries: KeyValue[] = [];
    let bytes = 0;
    for (const key of this.#keysOf(query)) {
      if (entries.length >= query.limit) return { entries, hasMore: true };
      const entry = this.read(key, nowMs);
      assert(entry !== null, 'a key that was walked over is there');
      bytes += key.length + entry.value.length + answerEntryOverheadBytes;
      if (bytes > limits.readAnswerBytesMax && entries.length > 0) {
        return { entries, hasMore: true };
      }
      entries.push(entry);
    }
    return { entries, hasMore: false };
  }

  *#keysOf({ range, order, after }: ScanQuery): Generator<Uint8Array> {
    const { start, end } = boundsOf(range);
    if (order === 'ascending') {
      const from = after === undefined ? start : justAfter(after);
      for (const key of this.#store.ascending(from)) {
        if (end !== null && compareBytes(key, end) >= 0) return;
        yield key;
      }
      return;
    }
    for (const key of this.#store.descending(after ?? end)) {
      if (compareBytes(key, start) < 0) return;
      yield key;
    }
  }

  /** Over the record that `find` selected, if `isThere`. */
  #write(
    key: Uint8Array,
    value: Uint8Array,
    numbers: Omit<RecordMeta, 'hashLow' | 'hashHigh'>,
    isThere: boolean,
  ): void {
    const store = this.#store;
    const meta = this.#meta;
    const { expiresAt, lease } = numbers;
    meta.createRevision = numbers.createRevision;
    meta.modRevision = numbers.modRevision;
    meta.version = numbers.version;
    meta.expiresAt = expiresAt;
    meta.lease = lease;
    let hadLifetime = false;
    let before = { expiresAt: 0, lease: 0 };
    if (isThere) {
      before = { expiresAt: store.expiresAt, lease: store.lease };
      hadLifetime = before.expiresAt !== 0 || before.lease !== 0;
      this.#hash.remove(store);
      this.#bytes -= recordCost(key.length, store.valueLength, before.expiresAt, before.lease);
      this.#hash.add(meta, key, value, meta);
      store.update(key, value, meta);
    } else {
      this.#hash.add(meta, key, value, meta);
      store.insert(key, value, meta);
    }
    this.#bytes += recordCost(key.length, value.length, expiresAt, lease);
    if (!hadLifetime && expiresAt === 0 && lease === 0) return;
    const name = keyNameOf(key);
    this.#unlink(name, before.expiresAt, before.lease);
    this.#link(name, expiresAt, lease);
  }

  #link(name: string, expiresAt: number, lease: LeaseId): void {
    if (expiresAt !== 0) this.#expiry.set(name, expiresAt);
    if (lease !== 0) this.#leases.attach(lease, name);
  }

  #unlink(name: string, expiresAt: number, lease: LeaseId): void {
    if (expiresAt !== 0) this.#expiry.delete(name);
    if (lease !== 0) this.#leases.detach(lease, name);
  }
}

function recordCost(
  keyLength: number,
  valueLength: number,
  expiresAt: number,
  lease: LeaseId,
): number {
  const own = keyLength + valueLength + keyOverheadBytes;
  return own + lifetimeCost(expiresAt !== 0, lease !== 0);
}

/** What a key costs for going away by itself, or with a lease. */
export function lifetimeCost(expires: boolean, isLeased: boolean): number {
  return (expires ? expiringKeyOverheadBytes : 0) + (isLeased ? leasedKeyOverheadBytes : 0);
}

function asOf(found: StoredKeyValue, nowMs: number): KeyValue {
  const { expiresAt, ...entry } = found;
  if (expiresAt === undefined) return entry;
  return { ...entry, ttlLeftMs: Math.max(0, expiresAt - nowMs) };
}

function boundsOf(range: KeyRange<Uint8Array>): {
  readonly start: Uint8Array;
  readonly end: Uint8Array | null;
} {
  if (!('prefix' in range)) return { start: range.start ?? noBytes, end: range.end ?? null };
  return { start: range.prefix, end: firstBehindPrefix(range.prefix) };
}

/** The first key behind all that begin so; null when there is none. */
function firstBehindPrefix(prefix: Uint8Array): Uint8Array | null {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  if (length === 0) return null;
  const end = Uint8Array.from(prefix.subarray(0, length));
  end[length - 1] = (end[length - 1] as number) + 1;
  return end;
}

function justAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

const noBytes: Uint8Array = new Uint8Array(0);

function ownCopy(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes);
}

function newMeta(): { -readonly [name in keyof (RecordMeta & HashedMeta)]: number } {
  const lanes = { hashLow: 0, hashHigh: 0 };
  return { ...lanes, createRevision: 0, modRevision: 0, version: 0, expiresAt: 0, lease: 0 };
}
