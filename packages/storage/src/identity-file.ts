import { join } from 'node:path';
import type { ClusterId, Disk, InstanceId, NodeId } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Identity } from './identity.ts';
import { decodeIdentity, encodeIdentity, isId } from './identity-codec.ts';
import { readWholeFile, removeIfPresent, replaceFile, temporarySuffix } from './replace-file.ts';
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
}

/**
 * Who this directory belongs to, on disk. Written whole each time: it changes once a start and
 * once for each start of a peer.
 */
export class IdentityFile {
  readonly #disk: Disk;
  readonly #path: string;
  #identity: Identity;
  /** Invariant: everything up to this call's identity is durable once it resolves. */
  #written: Promise<void> = Promise.resolve();
  /** Set while a write is planned that has not yet looked at `#identity`. */
  #planned: Promise<void> | undefined;

  private constructor(disk: Disk, path: string, identity: Identity) {
    this.#disk = disk;
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
    const identity =
      found === undefined
        ? firstIdentity(nodeId, options.newInstanceId())
        : { ...found, bootCount: found.bootCount + 1 };
    await replaceFile(disk, path, encodeIdentity(identity));
    return new IdentityFile(disk, path, identity);
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

  /** Log and hard state exist from now on: without them the directory is damaged. */
  recordInitialized(): Promise<void> {
    if (this.#identity.initialized) return this.#written;
    return this.#change({ ...this.#identity, initialized: true });
  }

  recordCluster(clusterId: ClusterId, formedAtMs: number): Promise<void> {
    const known = this.#identity;
    assert(isId(clusterId), () => `'${clusterId}' is no cluster id`);
    assert(
      known.clusterId === null || known.clusterId === clusterId,
      () => `cluster ${known.clusterId} cannot become ${clusterId}`,
    );
    if (known.clusterId !== null) return this.#written;
    return this.#change({ ...known, clusterId, clusterFormedAtMs: Math.floor(formedAtMs) });
  }

  recordPeer(nodeId: NodeId, instanceId: InstanceId, bootCount: number): Promise<void> {
    assert(isId(instanceId), () => `'${instanceId}' is no instance id`);
    const known = this.#identity.peers.get(nodeId);
    if (known?.instanceId === instanceId) {
      assert(
        bootCount >= known.bootCount,
        () => `boot count of node ${nodeId} goes back from ${known.bootCount} to ${bootCount}`,
      );
      if (bootCount === known.bootCount) return this.#written;
    }
    const peers = new Map(this.#identity.peers).set(nodeId, { instanceId, bootCount });
    return this.#change({ ...this.#identity, peers });
  }

  /** Waits for what is under way. Whoever asked for it has heard of a failure. */
  async close(): Promise<void> {
    await this.#written.catch(() => undefined);
  }

  /** Changes made while a write is under way share the next one. The first failure is final. */
  #change(identity: Identity): Promise<void> {
    this.#identity = identity;
    if (this.#planned !== undefined) return this.#planned;
    const write = this.#written.then(() => {
      this.#planned = undefined;
      return replaceFile(this.#disk, this.#path, encodeIdentity(this.#identity));
    });
    this.#planned = write;
    this.#written = write;
    // Whoever waits for it hears of a failure; without anybody waiting, the next call does.
    write.catch(() => undefined);
    return write;
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
  };
}
