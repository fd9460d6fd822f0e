import type { DiskError, KeyValue, LeaseId, LogIndex, Revision } from '@d-engine/base';
import type { HashLanes } from '../state-hash.ts';
import type { StateMark } from './state-mark.ts';

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
  /** Cheap to make, whatever the number of keys. */
  view(): BackendView;
  /** An empty one of the same kind, to be filled from a snapshot and to take this one's place. */
  successor(): KeyValueBackend;
  /** What only a backend on disk has to do; undefined: it is all in memory. */
  readonly durability: BackendDurability | undefined;
}

/** How a backend keeps its records over a start: as of an entry that the log holds (rule 10). */
export interface BackendDurability {
  /** What the state was that a start found here; undefined: none. */
  readonly mark: StateMark | undefined;
  /** A start after a crash finds the state as of this entry or a later one. */
  readonly durableIndex: LogIndex;
  /** About what is held in memory until it is on disk. */
  readonly pendingBytes: number;
  /** Why the last attempt to write found no room; undefined once it worked. */
  readonly spaceProblem: DiskError | undefined;
  /**
   * The log of this member is durable up to `index`. What was written since the last call is the
   * state that `describe` tells of; it goes to disk once the log holds all of its entries.
   */
  logDurable(index: LogIndex, describe: () => StateMark): void;
  /**
   * Keeps bytes under a name, or removes them, together with the keys that are written at the time:
   * tables that are in memory, and made again at a start.
   */
  setRecord(name: Uint8Array, bytes: Uint8Array | null): void;
  /** What a start found under names that begin so, in their order. */
  records(prefix: Uint8Array): Iterable<{ readonly name: Uint8Array; readonly bytes: Uint8Array }>;
  /** The keys with an expiry or a lease that a start found; each is selected. */
  keysWithLifetime(): Iterable<Uint8Array>;
  /** Of a successor, before it is filled: waits until nothing of an earlier one is left. */
  prepare(): Promise<void>;
  /** Of a successor, while it is filled: waits until what was written needs little memory. */
  settle(): Promise<void>;
  /** Takes the place of the one that it succeeds, for good and at once. */
  replace(mark: StateMark): Promise<void>;
  /** Ends what is being written and closes the files. */
  close(): Promise<void>;
}
