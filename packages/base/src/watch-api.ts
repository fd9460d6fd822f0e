import type { BytesLike } from './bytes-like.ts';
import type { HistoryId, LogIndex, NodeId, Revision } from './ids.ts';

/** Which keys: one, all that begin with some bytes, or from `start` up to but without `end`. */
export type WatchTarget =
  | { readonly key: BytesLike }
  /** Empty: every key. */
  | { readonly prefix: BytesLike }
  /** `end` null: to the last key. */
  | { readonly start: BytesLike; readonly end: BytesLike | null };

/**
 * A point in the history of the store (design rule 12): everything up to `revision` of that history
 * was seen. Whoever goes on from it misses nothing, or is told.
 */
export interface ResumeToken {
  readonly historyId: HistoryId;
  readonly revision: Revision;
}

export interface WatchOptions {
  /**
   * Events above this revision: a token of an earlier watch, or the revision of a read or write.
   * Absent: what happens from now on.
   */
  readonly after?:
    | { readonly revision: Revision; readonly historyId?: HistoryId | undefined }
    | undefined;
  /** Each event also has the value from before it. */
  readonly previousValues?: boolean | undefined;
  /** Time between signs of life of a quiet watch, where the server's own is too long. */
  readonly progressIntervalMs?: number | undefined;
  /** Ends the watch; the loop over it is left as if by `break`. */
  readonly signal?: AbortSignal | undefined;
}

/** One change of one key. */
export interface WatchEvent {
  readonly type: 'put' | 'delete';
  readonly key: Uint8Array;
  /** Null for a delete. */
  readonly value: Uint8Array | null;
  /** Null when the key was absent; undefined unless `previousValues` asked for it. */
  readonly previous: Uint8Array | null | undefined;
}

/**
 * What a watch tells, in order. Each has the token to go on from, once it was dealt with.
 *
 * `ready`, first: everything above this revision will be told. `events`: all that one revision
 * changed, together; revisions rise. `progress`: nothing more happened up to this revision.
 * `resync`: what happened up to this revision may be lost; read the state anew, at this revision or
 * a later one. The watch goes on above it.
 */
export type WatchBatch =
  | { readonly type: 'ready'; readonly token: ResumeToken }
  | { readonly type: 'events'; readonly token: ResumeToken; readonly events: readonly WatchEvent[] }
  | { readonly type: 'progress'; readonly token: ResumeToken }
  | { readonly type: 'resync'; readonly token: ResumeToken; readonly reason: string };

/** Ends when the caller leaves the loop or aborts the signal; rejects when it cannot go on. */
export type Watch = AsyncIterableIterator<WatchBatch, undefined, undefined>;

/** Each time the newest view; those in between may be left out. */
export type MembershipWatch = AsyncIterableIterator<MembershipView, undefined, undefined>;

/** Who is in the cluster, by a committed entry. */
export interface MembershipView {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** The entry that made it so, or a later one; 0 before the cluster formed. */
  readonly committedIndex: LogIndex;
}

const tokenPattern = /^([0-9a-f]{32})-(\d{1,16})$/;

/** As text, for places that keep tokens: the id of a server-sent event. */
export function formatResumeToken({ historyId, revision }: ResumeToken): string {
  return `${historyId}-${revision}`;
}

/** Undefined when the text is no token. */
export function parseResumeToken(text: string): ResumeToken | undefined {
  const [, historyId, digits] = tokenPattern.exec(text) ?? [];
  const revision = Number(digits);
  if (historyId === undefined || !Number.isSafeInteger(revision)) return undefined;
  return { historyId, revision };
}
