import { join } from 'node:path';
import type {
  ClusterId,
  Disk,
  DiskError,
  InstanceId,
  Logger,
  LogIndex,
  NodeId,
  PersistenceStrategy,
} from '@d-engine/base';
import { assert, describeError } from '@d-engine/base';
import type { Identity } from './identity.ts';
import { decodeIdentity, encodeIdentity, isId } from './identity-codec.ts';
import {
  readWholeFile,
  removeIfPresent,
  replaceFile,
  replaceFileIfRoom,
  temporarySuffix,
} from './replace-file.ts';
import { DirectoryOfAnotherNode } from './storage-errors.ts';

export const identityFileName = 'identity.json';

/** Far above 64 members; a larger file is not ours. */
const identityBytesMax = 1024 * 1024;

export interface IdentityFileOptions {
  readonly disk: Disk;
  /** The data directory; it exists. */
  readonly directory: string;
  readonly nodeId: NodeId;
  /** Called at the first start only. */
  readonly newInstanceId: () => InstanceId;
  /** With MemFirst the run is recorded as one that may forget; DiskFirst unless told. */
  readonly strategy?: PersistenceStrategy | undefined;
  readonly logger: Logger;
}

/**
 * Who this directory belongs to, on disk. Written whole each time: it changes once a start and
 * once for each start of a peer.
 */
export class IdentityFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #logger: Logger;
  /** What the run record said when this start found it. */
  readonly foundLogMayLack: boolean;
  /** Told by an operator for this start. */
  readonly foundGoneVoters: readonly NodeId[];
  #identity: Identity;
  /**
   * The newest write. Invariant: once it resolves, everything up to its identity is durable, unless
   * it resolves with what it lacked room for.
   */
  #written: Promise<DiskError | undefined> = Promise.resolve(undefined);
  /** Set while a write is planned that has not yet looked at `#identity`. */
  #planned: Promise<DiskError | undefined> | undefined;
  /** What the last write lacked room for. The file on disk is the one before it, whole. */
  #noRoom: DiskError | undefined;

  private constructor(
    options: IdentityFileOptions,
    path: string,
    identity: Identity,
    found: Identity | undefined,
  ) {
    this.foundLogMayLack = found?.logMayLack ?? false;
    this.foundGoneVoters = found?.goneVoters ?? [];
    this.#disk = options.disk;
    this.#logger = options.logger;
    this.#path = path;
    this.#identity = identity;
  }

  /**
   * Makes the identity at the first start; counts the start. Both are durable when it resolves.
   * Rejects with `DirectoryOfAnotherNode`, `StorageDamage` or `UnsupportedFormat`.
   */
  static async open(options: IdentityFileOptions): Promise<IdentityFile> {
    const { disk, directory, nodeId } = options;
    const path = join(directory, identityFileName);
    await removeIfPresent(disk, path + temporarySuffix);
    const found = await IdentityFile.read(disk, directory);
    if (found !== undefined && found.nodeId !== nodeId) {
      throw new DirectoryOfAnotherNode(directory, nodeId, found.nodeId);
    }
    const logMayLack = found?.logMayLack === true || options.strategy === 'MemFirst';
    const identity =
      found === undefined
        ? { ...firstIdentity(nodeId, options.newInstanceId()), logMayLack }
        : { ...found, bootCount: found.bootCount + 1, logMayLack, goneVoters: [] };
    await replaceFile(disk, path, encodeIdentity(identity));
    return new IdentityFile(options, path, identity, found);
  }

  /** What is on disk, without counting a start; undefined when there is none. */
  static async read(disk: Disk, directory: string): Promise<Identity | undefined> {
    const path = join(directory, identityFileName);
    if (!(await disk.exists(path))) return undefined;
    return decodeIdentity(await readWholeFile(disk, path, identityBytesMax), path);
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Set while changes wait for room on the disk; see `Storage.spaceProblem`. */
  get spaceProblem(): DiskError | undefined {
    return this.#noRoom;
  }

  /** Log and hard state exist from now on: without them the directory is damaged. */
  async recordInitialized(): Promise<void> {
    if (this.#identity.initialized) return;
    const noRoom = await this.#change({ ...this.#identity, initialized: true });
    if (noRoom !== undefined) throw noRoom;
  }

  /** Whether the log may lack what was acknowledged from here on. Resolves as `recordPeer` does. */
  recordLogMayLack(logMayLack: boolean): Promise<DiskError | undefined> {
    if (this.#identity.logMayLack === logMayLack) return this.#recorded();
    return this.#change({ ...this.#identity, logMayLack });
  }

  /** See `Storage.recordDivergence`. */
  recordDivergence(divergedAt: LogIndex | null): Promise<DiskError | undefined> {
    if (this.#identity.divergedAt === divergedAt) return this.#recorded();
    return this.#change({ ...this.#identity, divergedAt });
  }

  /** See `Storage.recordCluster`. */
  recordCluster(clusterId: ClusterId, formedAtMs: number): Promise<DiskError | undefined> {
    const known = this.#identity;
    assert(isId(clusterId), () => `'${clusterId}' is no cluster id`);
    assert(
      known.clusterId === null || known.clusterId === clusterId,
      () => `cluster ${known.clusterId} cannot become ${clusterId}`,
    );
    if (known.clusterId !== null) return this.#recorded();
    return this.#change({ ...known, clusterId, clusterFormedAtMs: Math.floor(formedAtMs) });
  }

  /** See `Storage.recordPeer`. */
  recordPeer(
    nodeId: NodeId,
    instanceId: InstanceId,
    bootCount: number,
  ): Promise<DiskError | undefined> {
    assert(isId(instanceId), () => `'${instanceId}' is no instance id`);
    const known = this.#identity.peers.get(nodeId);
    if (known?.instanceId === instanceId) {
      assert(
        bootCount >= known.bootCount,
        () => `boot count of node ${nodeId} goes back from ${known.bootCount} to ${bootCount}`,
      );
      if (bootCount === known.bootCount) return this.#recorded();
    }
    const peers = new Map(this.#identity.peers).set(nodeId, { instanceId, bootCount });
    return this.#change({ ...this.#identity, peers });
  }

  /** Tries again what there was no room for. */
  async idle(): Promise<void> {
    if (this.#noRoom !== undefined) await this.#write();
  }

  /** Waits for what is under way. Whoever asked for it has heard of a failure. */
  async close(): Promise<void> {
    await this.#written.catch(() => undefined);
  }

  #change(identity: Identity): Promise<DiskError | undefined> {
    this.#identity = identity;
    return this.#write();
  }

  /** For a change that is in `#identity` already. */
  #recorded(): Promise<DiskError | undefined> {
    return this.#noRoom === undefined ? this.#written : this.#write();
  }

  /** Changes made while a write is under way share the next one. The first failure is final. */
  #write(): Promise<DiskError | undefined> {
    if (this.#planned !== undefined) return this.#planned;
    const write = this.#written.then(() => {
      this.#planned = undefined;
      return this.#replace();
    });
    this.#planned = write;
    this.#written = write;
    // Whoever waits for it hears of a failure; without anybody waiting, the next call does.
    write.catch(() => undefined);
    return write;
  }

  /** Without room it may be tried again: nothing but a temporary file was touched. */
  async #replace(): Promise<DiskError | undefined> {
    const content = encodeIdentity(this.#identity);
    const noRoom = await replaceFileIfRoom(this.#disk, this.#path, content);
    this.#tellRoom(noRoom);
    this.#noRoom = noRoom;
    return noRoom;
  }

  /** One line when it begins and one when it is over. */
  #tellRoom(noRoom: DiskError | undefined): void {
    const before = this.#noRoom;
    if (before === undefined && noRoom !== undefined) {
      this.#logger.warn('Identity: no room to note who was met; trying again each second', {
        error: describeError(noRoom),
      });
    }
    if (before !== undefined && noRoom === undefined) {
      this.#logger.warn('Identity: there is room again, and who was met is noted');
    }
  }
}

function firstIdentity(nodeId: NodeId, instanceId: InstanceId): Identity {
  assert(isId(instanceId), () => `'${instanceId}' is not 32 hex digits`);
  return {
    nodeId,
    instanceId,
    bootCount: 1,
    initialized: false,
    clusterId: null,
    clusterFormedAtMs: null,
    peers: new Map(),
    logMayLack: false,
    goneVoters: [],
    divergedAt: null,
  };
}
