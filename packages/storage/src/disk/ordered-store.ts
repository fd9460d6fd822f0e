/** Keys from `from` on and below `below`, in byte order. */
export interface StoreRange {
  readonly from: Uint8Array;
  readonly below: Uint8Array;
  /** From the last key of the range down. */
  readonly isFalling?: boolean | undefined;
}

/** Bytes are the store's own: they may change with its next call, and are not to be changed. */
export interface StoreEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface StoreChange {
  readonly key: Uint8Array;
  /** Null: there is none any more. */
  readonly value: Uint8Array | null;
}

/** A store as it was at one moment. */
export interface OrderedView {
  /** Any time may pass between two steps. */
  walk(range: StoreRange): Iterable<StoreEntry>;
  release(): void;
}

/**
 * Bytes by bytes on a disk, in the order of the keys: what a library for storage must do to hold
 * the state of a member. What stands in it is decided above, by {@link DiskBackend}.
 *
 * Reads are synchronous and must not wait for writes. Keys are at least 2 bytes long and at most
 * `limits.keyBytesMax + 2`, values at most `limits.requestBytesMax`.
 */
export interface OrderedStore {
  /** Names the store in messages. */
  readonly directory: string;
  /** Undefined when there is none. Sees every write that has resolved, at once. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** As `get`; nothing may be written before it was walked to its end or left. */
  walk(range: StoreRange): Iterable<StoreEntry>;
  view(): OrderedView;
  /**
   * Makes all changes or, after a crash, none, and resolves when reads see them. One call at a
   * time. A start finds what the first so many calls wrote: those that had resolved before a crash
   * of the process at least, and nothing of a later one without all before it. What the changes
   * hold is not changed meanwhile. Rejects with a DiskError of kind `full` when there is no room
   * and nothing was written; any other failure is final.
   */
  write(changes: readonly StoreChange[]): Promise<void>;
  close(): Promise<void>;
}
