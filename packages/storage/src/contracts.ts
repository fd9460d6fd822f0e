import type {
  ClusterId,
  DiskError,
  Entry,
  HistoryId,
  InstanceId,
  KeyValue,
  LeaseId,
  LeaseStatus,
  LogIndex,
  NodeId,
  Revision,
  Term,
} from '@d-engine/base';
import type { HardState, Persist, RecoveredState } from '@d-engine/raft';
import type { CommandResult } from './command-result.ts';
import type { Identity } from './identity.ts';
import type { ScanPage, ScanQuery } from './scan-page.ts';
import type {
  ClusterTimeSection,
  ConfigurationSection,
  HistorySection,
  SnapshotHeader,
  SnapshotSection,
  SnapshotSections,
  StateSection,
} from './snapshot-format.ts';

/** One call's worth of changes to the log; the part of raft's `Persist` that concerns the log. */
export type LogBatch = Pick<Persist, 'reset' | 'truncateFrom' | 'entries' | 'commitIndex'>;

/** What the log knew at start; the part of raft's `RecoveredState` that comes from it. */
export type RecoveredLog = Omit<
  RecoveredState,
  'hardState' | 'snapshot' | 'everFormed' | 'recovering' | 'goneVoters'
>;

/** One write to log and hard state; when it is to be handed over is decided before. */
export type StorageWrite = Omit<Persist, 'sync'>;

/**
 * The replicated log of one member.
 *
 * The first failure is final: nothing is known about the file after it, so that call and all later
 * ones reject with the same cause and the node stops (design decision 4).
 */
export interface LogStore {
  /**
   * Removes `truncateFrom` and everything after it, then appends `entries`: both or, after a
   * crash, neither, except that a batch too large for one disk write may leave a prefix of itself.
   * With `reset`, every entry goes first, and the log goes on behind that place (design rule 11).
   * Resolves when durable, `commitIndex` included, in the order of the calls; a batch with nothing
   * new costs no write. The buffers behind the entries must not change until then.
   *
   * Requires: entries are consecutive and start at `truncateFrom`, or else right after the last
   * entry; `truncateFrom` is above every commit index given before; `commitIndex` is in the log;
   * a durable snapshot stands at `reset`, and no entry above it was ever committed.
   */
  append(batch: LogBatch): Promise<void>;
  /**
   * Entries `from` to `to`, both included, as many as fit in `bytesMax` but at least one. Only
   * what is durable can be read. Every byte is checked again on its way back. Empty
   * only when entry `from` is no longer there: truncated, purged or replaced by a snapshot.
   */
  read(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]>;
  /**
   * Forgets entries up to and including `upTo`, whose term is `term`: gives back the files that
   * hold nothing else. What is being read stays until it was read. Resolves when done; appends go
   * on meanwhile. After a restart the log may begin earlier than asked, never with a gap.
   *
   * Requires: a durable snapshot holds all up to `upTo`; `upTo` is committed, and in the log or
   * below its first entry, where nothing is left to do.
   */
  purge(upTo: LogIndex, term: Term): Promise<void>;
  /** Bytes that the log's records take on disk, without the files that were given back. */
  readonly bytes: number;
  /**
   * Records on disk what is durable by now, so that damage to the last acknowledged write is told
   * from a torn tail. Call it when nothing was written for a while; free when nothing is new.
   */
  idle(): Promise<void>;
  /** Finishes what was queued, records what is durable and closes the files. */
  close(): Promise<void>;
}

/** Term, vote and stickiness of one member. */
export interface HardStateStore {
  /**
   * Resolves when durable, in the order of the calls. States only move on: a higher term, a
   * first vote in the same term, a larger stickiness.
   */
  write(state: HardState): Promise<void>;
  close(): Promise<void>;
}

/** One change of one key, for watches. Bytes are the state's own: not to be changed. */
export interface StateEvent {
  readonly revision: Revision;
  readonly type: 'put' | 'delete';
  readonly key: Uint8Array;
  /** Null for a delete. */
  readonly value: Uint8Array | null;
  /** Null when the key was absent. */
  readonly previous: Uint8Array | null;
}

export interface AppliedBatch {
  /** One place for each entry, in order; undefined for an entry that is no command. */
  readonly results: readonly (CommandResult | undefined)[];
  /** In the order of the entries; empty unless the machine collects them. */
  readonly events: readonly StateEvent[];
}

/**
 * The replicated state. Reads are synchronous: what one call returns is one consistent view.
 */
export interface StateMachine {
  readonly appliedIndex: LogIndex;
  /** Of the entry at `appliedIndex`, or of the snapshot there; 0 when nothing was applied. */
  readonly appliedTerm: Term;
  readonly revisionBase: Revision;
  /** appliedIndex + revisionBase. */
  readonly revision: Revision;
  /** Null until the bootstrap entry is applied. */
  readonly historyId: HistoryId | null;
  /** Cluster time of the last applied entry. */
  readonly clusterTimeMs: number;
  /** What the state holds in memory, about; the same on every member. */
  readonly stateBytes: number;
  readonly keyCount: number;
  /** Keys with a TTL of their own. */
  readonly expiringKeyCount: number;
  readonly leaseCount: number;
  readonly sessionCount: number;
  /**
   * Cluster time at which the next key, lease or session goes away: a time entry of then removes
   * it. Undefined when nothing goes away by itself.
   */
  readonly nextExpiryMs: number | undefined;
  /**
   * Applies committed entries: a pure function of state and entries, the same on every member.
   * A command that cannot be carried out is a result; only a defect throws, and then the node
   * must stop. Requires: the entries follow `appliedIndex` without a gap.
   */
  apply(entries: readonly Entry[]): AppliedBatch;
  /** In the order of the keys, and with these very key objects; null for an absent one. */
  get(keys: readonly Uint8Array[]): (KeyValue | null)[];
  /** Keys of a range in their order, up to a limit and to what fits in an answer. */
  scan(query: ScanQuery): ScanPage;
  /** Null when there is no such lease. */
  lease(id: LeaseId): Omit<LeaseStatus, 'revision'> | null;
  /** 16 hex digits over all of the state; equal on members that applied the same index. */
  stateHash(): string;
  /** The state as it is now, for a snapshot: cheap to make, whatever the size of the state. */
  view(): StateView;
  /**
   * Replaces all of the state by what a snapshot holds: at once, when the last section was read
   * and the hash of what they made is the one that the snapshot names. Until then, and for good if
   * it rejects (StorageDamage), reads see the state as it was. Requires: nothing is applied
   * meanwhile, and `header.index` is not below `appliedIndex`.
   */
  load(header: SnapshotHeader, sections: SnapshotSections): Promise<void>;

  // What only a machine on disk has something to do for.

  /** A start after a crash finds the state as of this entry or a later one; 0 in memory. */
  readonly durableIndex: LogIndex;
  /** About what is held in memory until it is on disk: above a bound, nothing more is applied. */
  readonly pendingBytes: number;
  /** Why the last attempt to write to disk found no room; undefined once it worked. */
  readonly spaceProblem: DiskError | undefined;
  /**
   * The log of this member is durable up to `index`. What is applied up to there may become durable
   * here too, and nothing beyond (design rule 10): after a crash the log might be without it.
   * Called in each turn that changed either, and now and then.
   */
  logDurable(index: LogIndex): void;
  /**
   * Makes the state an empty one, for good: what is here is more than the log and its commit index
   * vouch for. As `load`, and nothing but `load` and `apply` from the first entry on follows.
   */
  clear(): Promise<void>;
  /** Ends what is being written and closes the files. */
  close(): Promise<void>;
}

/** What a state machine is given by the member that it belongs to. */
export interface StateMachineContext {
  /** Where it keeps its files; below the member's data directory, which this member alone has. */
  readonly directory: string;
  /** Names this data directory: files with another owner are not this member's. */
  readonly owner: InstanceId;
  /** Which history begins with a bootstrap or new-history entry. */
  readonly readHistoryId: (entry: Entry) => HistoryId;
  readonly onEntryApplied?: EntryObserver | undefined;
  /** More of the state is durable. */
  readonly onDurable: () => void;
  /** What was to be written cannot be: the member stops. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Opens the state machine of a member, with what it kept before. Rejects, with a message that says
 * what to do, when its files cannot be used.
 */
export type OpenStateMachine = (context: StateMachineContext) => Promise<StateMachine>;

/** Looks at a state in passing; it must not keep or change it. */
export type EntryObserver = (
  state: Pick<StateMachine, 'appliedIndex' | 'stateHash' | 'revision' | 'historyId' | 'get'>,
) => void;

/** A frozen state beside one that goes on: what is applied after `view()` does not show in it. */
export interface StateView {
  readonly appliedIndex: LogIndex;
  /**
   * History, cluster time, sessions, leases, then data in rising key order, in runs of about
   * `limits.snapshotRunBytes`: each pull is a short step, and any time may pass between two. Can
   * be walked once: what was passed may be forgotten.
   */
  sections(): Iterable<StateSection> | AsyncIterable<StateSection>;
  /** Lets go of what only this view still holds. To be called however the walk ended; once. */
  release(): void;
}

/** The newest snapshot, as far as its first sections and its end tell. */
export interface SnapshotInfo {
  readonly header: SnapshotHeader;
  readonly configuration: ConfigurationSection;
  readonly history: HistorySection;
  readonly clusterTime: ClusterTimeSection;
  readonly keyCount: number;
  /** Of the whole file. */
  readonly lengthBytes: number;
  /** 64 hex digits over all but the end section, which holds it. Names these very bytes. */
  readonly sha256: string;
}

/** The bytes of one snapshot file, for sending; the file stays until `close`. */
export interface SnapshotReader {
  readonly info: SnapshotInfo;
  /** Fewer than `lengthBytes` only at the end. */
  read(offset: number, lengthBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A snapshot file that arrives in pieces. Nothing of it counts before `finish`. */
export interface SnapshotReceiver {
  /** How many bytes are there: where a broken transfer goes on. */
  readonly offset: number;
  /** Appends; one call at a time. Rejects with DiskError `full` when there is no room. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Verifies every checksum, that it is the file that was announced, and makes it durable under
   * its final name: it is `latest` then. Rejects with StorageDamage or UnsupportedFormat when the
   * bytes are not what they should be, and what was received is gone. Undefined, and gone as well,
   * when this member has a snapshot as new by now.
   */
  finish(): Promise<SnapshotInfo | undefined>;
  /** Removes what was received. */
  abandon(): Promise<void>;
}

/**
 * Snapshots of one member; the format is in `snapshot-format.ts`.
 *
 * A snapshot is complete under its final name or absent (temporary file, sync, rename, sync of the
 * directory). The log may be cut up to `latest.header.index`, never further. A failed call leaves
 * the snapshots as they were and the store in order when it rejects with a DiskError of kind
 * `full`; any other DiskError is final, as the log's.
 */
export interface SnapshotStore {
  /** The newest complete one. */
  readonly latest: SnapshotInfo | null;
  /**
   * Makes a snapshot of this member's own state and resolves when it is durable under its final
   * name. `sections` come in the order of the format, without the end; they are pulled one at a
   * time, with the event loop free in between. Requires: `header.index` is above `latest`'s.
   */
  write(header: SnapshotHeader, sections: SnapshotSections): Promise<SnapshotInfo>;
  /**
   * The sections of the newest one, without the end, each verified before it is handed out; the
   * file is pinned until the iteration ends. Throws StorageDamage or UnsupportedFormat, for what
   * only the whole file tells after the last section.
   */
  read(): AsyncIterable<SnapshotSection>;
  /** Pins the newest one. Requires: there is one. */
  open(): Promise<SnapshotReader>;
  /**
   * Goes on with the transfer of this very snapshot (same header, length and sha256) when it is
   * under way, else begins one and abandons any other. `sha256` and `lengthBytes` as in the
   * sender's {@link SnapshotInfo}.
   */
  receive(header: SnapshotHeader, lengthBytes: number, sha256: string): Promise<SnapshotReceiver>;
  /** Removes all but the newest `retainCount`, at least one, and those being read. */
  removeOlder(retainCount: number): Promise<void>;
  /** Waits for what is under way and removes what is incomplete. */
  close(): Promise<void>;
}

/** Everything durable that one member owns: one data directory. */
export interface Storage {
  /** As it is on disk, or about to be: each call that changes it puts a new object here. */
  readonly identity: Identity;
  readonly recovered: RecoveredState;
  /**
   * The last failed attempt to prepare the next log file or to record who was met, usually a full
   * disk; undefined once it worked. Appends still succeed until the current file is full: time to
   * refuse new writes.
   */
  readonly spaceProblem: Error | undefined;
  /** Resolves when all parts of this write and all writes before it are durable, in order. */
  write(persist: StorageWrite): Promise<void>;
  /** See {@link LogStore.read}. */
  readEntries(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]>;
  /** Beside the log. */
  readonly snapshots: SnapshotStore;
  /** See {@link LogStore.bytes}. */
  readonly logBytes: number;
  /** See {@link LogStore.purge}. */
  purgeLog(upTo: LogIndex, term: Term): Promise<void>;
  /**
   * Remembers the cluster that this directory is part of; for good. Resolves as `recordPeer` does.
   */
  recordCluster(clusterId: ClusterId, formedAtMs: number): Promise<DiskError | undefined>;
  /**
   * Remembers the newest start of a peer. Resolves when it is durable, at once when nothing is new;
   * or with the error when there was no room for it: `identity` has it all the same, and this and
   * `idle` try again. Whatever rejects is final.
   */
  recordPeer(
    nodeId: NodeId,
    instanceId: InstanceId,
    bootCount: number,
  ): Promise<DiskError | undefined>;
  /**
   * This run holds again all that an earlier one may have forgotten (design rule 3). Resolves as
   * `recordPeer` does; until it is on disk, a crash makes the next run recover once more.
   */
  recordRecovered(): Promise<DiskError | undefined>;
  /**
   * The state is another than a quorum's since the entry `index`, or, with null, is a quorum's
   * again (design rule 16). Resolves as `recordPeer` does.
   */
  recordDivergence(index: LogIndex | null): Promise<DiskError | undefined>;
  /** See {@link LogStore.idle}; also tries again what there was no room for. */
  idle(): Promise<void>;
  /**
   * Finishes what was asked for, closes all files and releases the directory. `isClean`: everything
   * that this run acknowledged was written, so even with MemFirst there is nothing to recover.
   */
  close(isClean?: boolean): Promise<void>;
}
