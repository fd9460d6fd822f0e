import { join } from 'node:path';
import type {
  ClusterId,
  Compute,
  DirectoryLock,
  Disk,
  DiskError,
  Entry,
  InstanceId,
  Logger,
  LogIndex,
  NodeId,
  PersistenceStrategy,
  Term,
} from '@d-engine/base';
import type { HardState, RaftSnapshot, RecoveredState } from '@d-engine/raft';
import type { RecoveredLog, SnapshotStore, Storage, StorageWrite } from './contracts.ts';
import { HardStateFile, hardStateFileName } from './hard-state-file.ts';
import type { Identity } from './identity.ts';
import { IdentityFile, identityFileName } from './identity-file.ts';
import { raftSnapshotOf, startBehind } from './log-start.ts';
import { SegmentedLog } from './segmented-log.ts';
import type { SnapshotDirectoryOptions } from './snapshots/snapshot-directory.ts';
import { SnapshotDirectory } from './snapshots/snapshot-directory.ts';
import { replaceMemberAdvice, StorageDamage } from './storage-errors.ts';
import { syncParents } from './sync-parents.ts';

export interface OpenStorageOptions {
  readonly disk: Disk;
  readonly compute: Compute;
  /** `db_root_dir`: made when it does not exist. One node, one directory. */
  readonly directory: string;
  readonly nodeId: NodeId;
  /** 32 random hex digits; called at the first start only. */
  readonly newInstanceId: () => InstanceId;
  /** Of this run, for its record; DiskFirst unless told. */
  readonly strategy?: PersistenceStrategy | undefined;
  readonly logger: Logger;
  /** Size of new log files; `limits.segmentBytes` unless told. */
  readonly segmentBytes?: number | undefined;
  /** Where snapshots are and how they are made; in the directory, and plain, unless told. */
  readonly snapshots?: SnapshotSettings | undefined;
}

export type SnapshotSettings = Omit<SnapshotDirectoryOptions, 'disk' | 'compute'>;

export const logDirectoryName = 'log';
const snapshotDirectoryName = 'snapshots';

/**
 * Opens a data directory, or makes it at the first start. When it resolves, the start is counted
 * and everything it reports is durable. Rejects with `DiskError` (`inUse`: another process has it),
 * `DirectoryOfAnotherNode`, `StorageDamage`, `UnsupportedFormat` or `MalformedEntry`.
 */
export async function openStorage(options: OpenStorageOptions): Promise<Storage> {
  const { disk, directory } = options;
  await disk.makeDirectory(directory);
  const lock = await disk.lockDirectory(directory);
  const opened: { close(): Promise<void> }[] = [];
  try {
    const identity = await openIdentity(options);
    const { owner, ...shared } = { ...options, owner: identity.identity.instanceId };
    const hardState = await HardStateFile.open({ ...shared, owner });
    opened.push(hardState.store);
    const snapshots = await openSnapshots(options);
    opened.push(snapshots);
    const snapshot = snapshots.latest === null ? undefined : raftSnapshotOf(snapshots.latest);
    const logDirectory = join(directory, logDirectoryName);
    const log = await SegmentedLog.open({
      ...shared,
      owner,
      directory: logDirectory,
      coveredIndex: snapshot?.index,
    });
    opened.push(log.log);
    const recoveredLog = await startBehind(log.log, log.recovered, snapshot, logDirectory);
    await identity.recordInitialized();
    const recovered = combine(identity, hardState.recovered, snapshot, recoveredLog);
    return new DirectoryStorage({
      lock,
      identity,
      hardState: hardState.store,
      log: log.log,
      snapshots,
      recovered,
      isMemFirst: options.strategy === 'MemFirst',
    });
  } catch (error) {
    for (const part of opened) await part.close();
    await lock.release();
    throw error;
  }
}

function openSnapshots(options: OpenStorageOptions): Promise<SnapshotDirectory> {
  const { disk, compute, directory } = options;
  const settings = options.snapshots ?? {
    directory: join(directory, snapshotDirectoryName),
    compress: false,
  };
  return SnapshotDirectory.open({ disk, compute, ...settings });
}

/** The identity, with log and hard state beside it. */
async function openIdentity(options: OpenStorageOptions): Promise<IdentityFile> {
  const { disk, directory } = options;
  const logDirectory = join(directory, logDirectoryName);
  const found = await IdentityFile.read(disk, directory);
  const hasHardState = await HardStateFile.exists(disk, directory);
  const hasLog = await disk.exists(logDirectory);
  if (found === undefined && (hasHardState || hasLog)) throw missing(directory, identityFileName);
  const identity = await IdentityFile.open(options);
  const { initialized, instanceId: owner } = identity.identity;
  if (initialized && !hasHardState) throw missing(directory, hardStateFileName);
  if (initialized && !hasLog) throw missing(directory, logDirectoryName);
  if (initialized) return identity;
  // The first start, or one that follows a crash of it: nothing was promised yet.
  await syncParents(disk, directory);
  if (!hasHardState) await HardStateFile.create({ ...options, owner });
  await disk.makeDirectory(logDirectory);
  await disk.syncDirectory(directory);
  await SegmentedLog.create({ ...options, owner, directory: logDirectory });
  return identity;
}

/** A part of a data directory that is gone while others are there. */
export function missing(directory: string, name: string): StorageDamage {
  const advice =
    `Put ${name} back if it was moved. ${replaceMemberAdvice} A node that was never part of a ` +
    'cluster may start again in an empty directory.';
  const reason = 'it is missing while other files of the node are there';
  return new StorageDamage({ file: join(directory, name), offset: 0, reason, advice });
}

function combine(
  file: IdentityFile,
  hardState: HardState | undefined,
  snapshot: RaftSnapshot | undefined,
  log: RecoveredLog,
): RecoveredState {
  const everFormed = file.identity.clusterId !== null || snapshot !== undefined;
  // Nobody acknowledges anything before a log begins: its first entry is synced before it counts.
  const { foundGoneVoters: goneVoters } = file;
  const recovering = file.foundLogMayLack && (everFormed || log.lastIndex > 0);
  return {
    ...log,
    hardState: raised(hardState, log),
    snapshot,
    everFormed,
    recovering,
    goneVoters,
  };
}

/**
 * Log and hard state are written in parallel, so a crash may keep an entry of a term and lose the
 * term. Whoever holds such an entry has seen the term. It had not voted in it: a vote is durable
 * before anything that depends on it.
 */
function raised(state: HardState | undefined, log: RecoveredLog): HardState | undefined {
  const lastTerm = log.termStarts.at(-1)?.term ?? log.precedingTerm;
  if (lastTerm <= (state?.term ?? 0)) return state;
  return { term: lastTerm, votedFor: null, stickinessMs: state?.stickinessMs ?? 0 };
}

interface Parts {
  readonly lock: DirectoryLock;
  readonly identity: IdentityFile;
  readonly hardState: HardStateFile;
  readonly log: SegmentedLog;
  readonly snapshots: SnapshotDirectory;
  readonly recovered: RecoveredState;
  readonly isMemFirst: boolean;
}

class DirectoryStorage implements Storage {
  readonly recovered: RecoveredState;
  readonly #parts: Parts;
  /** The last write. Invariant: resolves after all writes before it. */
  #lastWrite: Promise<void> = Promise.resolve();
  /** Writes with a hard state that are not durable yet: only they can overtake the log. */
  #hardStateWrites = 0;
  #isClosed = false;
  #isRecovering: boolean;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#isRecovering = parts.recovered.recovering;
    this.recovered = parts.recovered;
  }

  get identity(): Identity {
    return this.#parts.identity.identity;
  }

  get spaceProblem(): Error | undefined {
    return this.#parts.log.spaceProblem ?? this.#parts.identity.spaceProblem;
  }

  write(persist: StorageWrite): Promise<void> {
    const { log, hardState } = this.#parts;
    if (persist.hardState === undefined && this.#hardStateWrites === 0) {
      this.#lastWrite = log.append(persist);
      return this.#lastWrite;
    }
    const parts = [this.#lastWrite];
    if (persist.hardState !== undefined) parts.push(hardState.write(persist.hardState));
    parts.push(log.append(persist));
    this.#hardStateWrites += 1;
    const write = Promise.all(parts).then(() => {
      this.#hardStateWrites -= 1;
    });
    this.#lastWrite = write;
    return write;
  }

  readEntries(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]> {
    return this.#parts.log.read(from, to, bytesMax);
  }

  get snapshots(): SnapshotStore {
    return this.#parts.snapshots;
  }

  get logBytes(): number {
    return this.#parts.log.bytes;
  }

  purgeLog(upTo: LogIndex, term: Term): Promise<void> {
    return this.#parts.log.purge(upTo, term);
  }

  recordCluster(clusterId: ClusterId, formedAtMs: number): Promise<DiskError | undefined> {
    return this.#parts.identity.recordCluster(clusterId, formedAtMs);
  }

  recordPeer(
    nodeId: NodeId,
    instanceId: InstanceId,
    bootCount: number,
  ): Promise<DiskError | undefined> {
    return this.#parts.identity.recordPeer(nodeId, instanceId, bootCount);
  }

  recordRecovered(): Promise<DiskError | undefined> {
    const { identity, isMemFirst } = this.#parts;
    this.#isRecovering = false;
    return identity.recordLogMayLack(isMemFirst);
  }

  recordDivergence(index: LogIndex | null): Promise<DiskError | undefined> {
    return this.#parts.identity.recordDivergence(index);
  }

  async idle(): Promise<void> {
    const { log, identity } = this.#parts;
    if (identity.spaceProblem === undefined) return log.idle();
    await Promise.all([log.idle(), identity.idle()]);
  }

  async close(isClean = false): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { log, hardState, identity, snapshots, lock } = this.#parts;
    try {
      // A write that failed was not clean, whoever asked for it.
      const written = this.#lastWrite.then(
        () => true,
        () => false,
      );
      await Promise.all([log.close(), hardState.close(), snapshots.close()]);
      // Without room for the mark the next run recovers, which is always right.
      if (isClean && (await written) && !this.#isRecovering) await identity.recordLogMayLack(false);
      await identity.close();
    } finally {
      await lock.release();
    }
  }
}
