import type { ClusterId, HistoryId, LogIndex, Revision, Term } from '@d-engine/base';
import type { BoundMember, Configuration } from '@d-engine/raft';
import type { LeaseRecord } from './state/lease-table.ts';
import type { SessionRecord, StoredResult } from './state/session-table.ts';

/**
 * A snapshot is one file: header, sections, end section (`snapshots/section-codec.ts`). A reader
 * refuses a kind, version or flag that it does not know: skipping one would silently lose state.
 * Sections stand in the order of {@link snapshotSectionKinds}; `sessions`, `leases`
 * and `data` may be absent or repeat, keys in rising order, so that none must fit in memory whole.
 */
export const snapshotFormatVersion = 1;

/** The numbers are on disk and on the wire for ever. */
export const snapshotSectionKinds = {
  configuration: 1,
  history: 2,
  clusterTime: 3,
  sessions: 4,
  leases: 5,
  data: 6,
  /** Counts and SHA-256 of all before it: a snapshot without it is incomplete. */
  end: 7,
} as const;

/** Names the snapshot; its (index, term) is what the log's first entry follows. */
export interface SnapshotHeader {
  readonly clusterId: ClusterId;
  /** Wall clock of its first leader, see raft's `Bootstrap`; the log may not say it any more. */
  readonly formedAtWallMs: number;
  readonly index: LogIndex;
  readonly term: Term;
}

/** Who was a member as of `header.index`, never as of the time of writing (design rule 13). */
export interface ConfigurationSection {
  readonly kind: typeof snapshotSectionKinds.configuration;
  /** Voters, outgoing voters, learners, next learners, auto-leave, and their addresses. */
  readonly configuration: Configuration;
  /** The entry that made it. */
  readonly configurationIndex: LogIndex;
  /** Which data directory stands behind each node id, and the entry that bound it (rule 2). */
  readonly bindings: readonly BoundMember[];
}

/** A (historyId, revision) pair names a point in time. */
export interface HistorySection {
  readonly kind: typeof snapshotSectionKinds.history;
  /** Null before the bootstrap entry: no member takes a snapshot then, but tests do. */
  readonly historyId: HistoryId | null;
  readonly revisionBase: Revision;
  /** {@link StateMachine.stateHash} at `header.index`: checked after loading. */
  readonly stateHash: string;
}

/** Time as of `header.index`; a new leader goes on from here (design rule 7). */
export interface ClusterTimeSection {
  readonly kind: typeof snapshotSectionKinds.clusterTime;
  readonly clusterTimeMs: number;
}

/** Sessions, each followed by its results; a session's results may go on in the next section. */
export interface SessionsSection {
  readonly kind: typeof snapshotSectionKinds.sessions;
  readonly records: readonly SessionSectionRecord[];
}

export type SessionSectionRecord =
  | ({ readonly type: 'session' } & SessionRecord)
  /** Of the session named last. */
  | ({ readonly type: 'result' } & StoredResult);

/** The keys that hang on a lease say so themselves. */
export interface LeasesSection {
  readonly kind: typeof snapshotSectionKinds.leases;
  readonly leases: readonly LeaseRecord[];
}

/** A run of keys in rising byte order, as the state machine wrote it for itself to read. */
export interface DataSection {
  readonly kind: typeof snapshotSectionKinds.data;
  readonly keyCount: number;
  /** Of the built-in machine: `state/data-run.ts`. Not to be changed. */
  readonly run: Uint8Array;
}

/** What a state machine says of itself. */
export type StateSection =
  | HistorySection
  | ClusterTimeSection
  | SessionsSection
  | LeasesSection
  | DataSection;

/** What a snapshot holds but for its end, which its file alone needs. */
export type SnapshotSection = ConfigurationSection | StateSection;

export type SnapshotSections = Iterable<SnapshotSection> | AsyncIterable<SnapshotSection>;
