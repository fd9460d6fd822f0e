import type { Network } from './network.ts';

/**
 * Everything non-deterministic that a node or a client may touch. The real one is in the
 * `d-engine` package; a virtual one, driven by a seed, is in `virtual-env`. Whatever goes past it
 * cannot be replayed, so a lint rule bans the rest.
 */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly compute: Compute;
  readonly schedule: Schedule;
}

/** One reading of both clocks. */
export interface Instant {
  /** Never goes back, unrelated to the time of day, in milliseconds with fractions. */
  readonly monotonicMs: number;
  /** Time of day in milliseconds since 1970; may jump either way. */
  readonly wallMs: number;
}

export interface Clock {
  monotonicMs(): number;
  wallMs(): number;
  now(): Instant;
  /** Calls back once, not before `delayMs` have passed. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  /** After it the callback never runs; cancelling twice is harmless. */
  cancel(): void;
}

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** `length` random bytes; unpredictable to others in the real environment. */
  bytes(length: number): Uint8Array;
}

export interface Schedule {
  /**
   * Runs the callback in the next round of the event loop, after pending sockets, files and
   * timers had their turn: whatever they bring until then shares one batch.
   */
  afterPoll(callback: () => void): void;
}

/** Work that would hold up the loop, done off it. */
export interface Compute {
  gzip(bytes: Uint8Array): Promise<Uint8Array>;
  gunzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
  sha256(chunks: readonly Uint8Array[]): Promise<Uint8Array>;
}

export type DiskErrorKind = 'notFound' | 'exists' | 'full' | 'permission' | 'inUse' | 'io';

/** A disk operation failed. After a failed sync nothing is known about the file's content. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly kind: DiskErrorKind;
  readonly path: string;

  constructor(kind: DiskErrorKind, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.path = path;
  }
}

/**
 * Files and directories. Every method rejects with {@link DiskError}. Creating, renaming and
 * removing a file survives a power loss only once the directory that holds it was synced.
 */
export interface Disk {
  /**
   * Opens a file. `create` makes a new one and fails with `exists` when there is one already;
   * `readWrite` and `read` fail with `notFound` when there is none.
   */
  open(path: string, mode: 'create' | 'readWrite' | 'read'): Promise<DiskFile>;
  /** Names (not paths) in the directory, sorted; fails with `notFound`. */
  list(directory: string): Promise<string[]>;
  exists(path: string): Promise<boolean>;
  /** Makes the directory and its parents; an existing one is left alone. */
  makeDirectory(path: string): Promise<void>;
  /** Replaces `to` in one step; readers see the old file or the new one. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes what was created, renamed or removed in the directory survive a power loss. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Becomes the one owner of the directory until released or until the process dies, however it
   * dies. Fails with `inUse` while another owner lives.
   */
  lockDirectory(path: string): Promise<DirectoryLock>;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

export interface DiskFile {
  /** Reads up to `length` bytes at `position`; fewer only at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Writes the chunks one after another from `position`. Not durable before a sync. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes data and length durable (fdatasync). A failure is final: never call it again. */
  sync(): Promise<void>;
  /** {@link write} and {@link sync} as one operation: one trip off the loop. */
  writeAndSync(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}
