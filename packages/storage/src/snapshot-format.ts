import type {
  ClusterId,
  HistoryId,
  InstanceId,
  LogIndex,
  NodeId,
  Revision,
  Term,
} from '@d-engine/base';
import type { Configuration } from '@d-engine/raft';

/**
 * Snapshots, on paper: the sections and what each must hold, so that log, state machine and peer
 * protocol agree from the first day. No code reads or writes them yet.
 *
 * A snapshot is one file: header, sections, end section. Each section is { kind, version, length,
 * CRC, bytes }. A reader refuses a kind or a version that it does not know: skipping one would
 * silently lose state. Sections stand in the order of {@link snapshotSectionKinds}; `data` may
 * repeat, each holding a run of keys in rising order, so that no section must fit in memory whole.
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
  /** Count and CRC of all sections before it: a snapshot without it is incomplete. */
  end: 7,
} as const;

/** Names the snapshot; its (index, term) is what the log's first entry follows. */
export interface SnapshotHeader {
  readonly formatVersion: typeof snapshotFormatVersion;
  readonly clusterId: ClusterId;
  /** Wall clock of its first leader, see raft's `Bootstrap`; the log may not say it any more. */
  readonly formedAtWallMs: number;
  readonly index: LogIndex;
  readonly term: Term;
}

/** Who was a member as of `header.index`, never as of the time of writing (design rule 13). */
export interface ConfigurationSection {
  readonly kind: typeof snapshotSectionKinds.configuration;
  readonly version: 1;
  /** Voters, outgoing voters, learners, next learners, auto-leave, and their addresses. */
  readonly configuration: Configuration;
  /** The entry that made it. */
  readonly configurationIndex: LogIndex;
  /** Which data directory stands behind each node id, and the entry that bound it (rule 2). */
  readonly instances: readonly {
    readonly nodeId: NodeId;
    readonly instanceId: InstanceId;
    readonly index: LogIndex;
  }[];
}

/** A (historyId, revision) pair names a point in time. */
export interface HistorySection {
  readonly kind: typeof snapshotSectionKinds.history;
  readonly version: 1;
  readonly historyId: HistoryId;
  readonly revisionBase: Revision;
  /** {@link StateMachine.stateHash} at `header.index`: checked after loading. */
  readonly stateHash: string;
}

/** Time as of `header.index`; a new leader goes on from here (design rule 7). */
export interface ClusterTimeSection {
  readonly kind: typeof snapshotSectionKinds.clusterTime;
  readonly version: 1;
  readonly clusterTimeMs: number;
}

/** The exactly-once table (design rule 8). */
export interface SessionsSection {
  readonly kind: typeof snapshotSectionKinds.sessions;
  readonly version: 1;
  readonly sessions: readonly {
    readonly session: Revision;
    readonly expiresAtMs: number;
    readonly lowestUnacknowledged: number;
    /** Stored verbatim, with the hash of the command that each one answered. */
    readonly results: readonly {
      readonly sequence: number;
      readonly commandHash: number;
      readonly result: Uint8Array;
    }[];
  }[];
}

/** Leases and what hangs on them. */
export interface LeasesSection {
  readonly kind: typeof snapshotSectionKinds.leases;
  readonly version: 1;
  readonly leases: readonly {
    readonly lease: Revision;
    readonly ttlMs: number;
    readonly expiresAtMs: number;
  }[];
}

/** A run of keys in rising byte order. */
export interface DataSection {
  readonly kind: typeof snapshotSectionKinds.data;
  readonly version: 1;
  readonly keys: readonly {
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly createRevision: Revision;
    readonly modRevision: Revision;
    readonly version: number;
    /** Cluster time; 0: never. */
    readonly expiresAtMs: number;
    /** 0: none. */
    readonly lease: Revision;
  }[];
}

export interface EndSection {
  readonly kind: typeof snapshotSectionKinds.end;
  readonly version: 1;
  readonly sectionCount: number;
  readonly keyCount: number;
  readonly crc32: number;
}

export type SnapshotSection =
  | ConfigurationSection
  | HistorySection
  | ClusterTimeSection
  | SessionsSection
  | LeasesSection
  | DataSection
  | EndSection;
