import type { KeyValue, LeaseId, Revision } from '@d-engine/base';
import type { HashLanes } from '../state-hash.ts';

/** What is written beside key and value. */
export interface RecordMeta extends Readonly<HashLanes> {
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly version: number;
  /** In cluster time; 0: never by itself. */
  readonly expiresAt: number;
  /** 0: on none. */
  readonly lease: LeaseId;
}

/** A key as it is kept: what is left of its time depends on when it is asked. */
export interface StoredKeyValue extends Omit<KeyValue, 'ttlLeftMs'> {
  /** Absent: never by itself. */
  readonly expiresAt?: number | undefined;
}

/** The record that was found last; see {@link KeyValueBackend}. */
export interface SelectedRecord extends Readonly<HashLanes> {
  readonly createRevision: Revision;
  readonly version: number;
  readonly expiresAt: number;
  readonly lease: LeaseId;
  readonly valueLength: number;
  /** The caller's own. */
  copyValue(): Buffer;
  valueIs(expected: Uint8Array): boolean;
}

export interface Run {
  readonly keyCount: number;
  /** As `data-run.ts` lays records out. */
  readonly bytes: Uint8Array;
}

/** What a backend held at one moment. */
export interface BackendView {
  /** All records in the order of their keys, each once; can be walked once. */
  runs(): Iterable<Run>;
  /** To be called however the walk ended; once. */
  release(): void;
}

/**
 * Where the key-value state machine keeps its records. It knows nothing of commands: what they
 * mean is decided once, above it, for every backend.
 *
 * All calls are synchronous, and each sees what those before it wrote. A found record stays
 * selected until the next call that finds or changes something: the accessors of
 * {@link SelectedRecord}, `update` and `remove` speak of it.
 */
export interface KeyValueBackend extends SelectedRecord {
  readonly keyCount: number;
  /** Selects the record of the key; false when there is none. */
  find(key: Uint8Array): boolean;
  /** Selects the record of the key and copies it. */
  read(key: Uint8Array): StoredKeyValue | null;
  /** A key that is not there. */
  insert(key: Uint8Array, value: Uint8Array, meta: RecordMeta): void;
  /** Replaces the selected record, whose key this is. */
  update(key: Uint8Array, value: Uint8Array, meta: RecordMeta): void;
  /** Removes the selected record, whose key this is. */
  remove(key: Uint8Array): void;
  /**
   * The keys from `from` on in rising order, as the caller's own; each is selected when it is
   * handed out. Nothing may change while it is walked.
   */
  ascending(from: Uint8Array): Iterable<Uint8Array>;
  /** As `ascending`, falling: the keys below `before`, or all when it is null. */
  descending(before: Uint8Array | null): Iterable<Uint8Array>;
  /**
   * Keeps some bytes under a name beside the keys, or removes them: what the machine must find
   * again after a start and what is no key. They become durable together with the keys that the
   * same entries wrote. A backend in memory, where nothing is found after a start, keeps none.
   */
  setRecord(name: string, bytes: Uint8Array | null): void;
  /** What `setRecord` kept under names that begin so, in the order of the names. */
  records(prefix: string): Iterable<readonly [name: string, bytes: Uint8Array]>;
  /** Cheap to make, whatever the number of keys. */
  view(): BackendView;
  /** An empty one of the same kind, to be filled from a snapshot. */
  successor(): KeyValueBackend;
}
