import type { Address, ClusterId, Compute, Disk, HistoryId, LogIndex, Term } from '@d-engine/base';
import { assert, DiskError, encodeEntries, entryKinds } from '@d-engine/base';
import { configurationOf, encodeNewHistory } from '@d-engine/raft';
import type { SnapshotInfo, StorageWrite } from './contracts.ts';
import type { OpenStorageOptions } from './open-storage.ts';
import { openStorage } from './open-storage.ts';
import type { ConfigurationSection, SnapshotHeader, SnapshotSection } from './snapshot-format.ts';
import { snapshotSectionKinds } from './snapshot-format.ts';
import { readSections, verifyFile } from './snapshots/snapshot-reading.ts';

/** What a snapshot file says of itself, once every byte of it was checked. */
export async function verifySnapshotFile(
  disk: Disk,
  compute: Compute,
  path: string,
): Promise<SnapshotInfo> {
  const file = await disk.open(path, 'read');
  try {
    return await verifyFile({ file, path, compute });
  } finally {
    await file.close();
  }
}

export interface RestoreOptions {
  /** The snapshot file. */
  readonly path: string;
  /** Where to; there is nothing yet. Its instance id is made by `newId`. */
  readonly storage: Omit<OpenStorageOptions, 'newInstanceId' | 'strategy'>;
  /** Of the only member, for those that join it. */
  readonly address: Address;
  /** 32 random hex digits, each time others. */
  readonly newId: () => string;
  readonly nowWallMs: number;
}

export interface RestoredCluster {
  readonly clusterId: ClusterId;
  readonly historyId: HistoryId;
  readonly from: SnapshotInfo;
}

/**
 * Makes a data directory of a new cluster that begins with the state of a snapshot and has one
 * member (design rule 14): other ids for cluster, history and instance, so that no member or client
 * of the cluster that the snapshot comes from takes it for its own; a higher term; and a new
 * history, whose revisions are all above what was ever given out.
 *
 * A crash leaves a directory that must be thrown away: give it its final name only afterwards.
 * Rejects as `openStorage` does; StorageDamage and UnsupportedFormat also of the file.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<RestoredCluster> {
  const { path, newId } = options;
  const { disk, compute, directory } = options.storage;
  const from = await verifySnapshotFile(disk, compute, path);
  if ((await disk.exists(directory)) && (await disk.list(directory)).length > 0) {
    const message = `${directory} is not empty: a restore needs a directory of its own`;
    throw new DiskError('exists', directory, message);
  }
  const cluster = { clusterId: newId(), historyId: newId(), from };
  const storage = await openStorage({ ...options.storage, newInstanceId: newId });
  try {
    assert(storage.recovered.lastIndex === 0, 'a restore begins with an empty log');
    const { index, term } = from.header;
    const header: SnapshotHeader = {
      clusterId: cluster.clusterId,
      formedAtWallMs: Math.floor(options.nowWallMs),
      index,
      term,
    };
    const { nodeId, instanceId } = storage.identity;
    const configuration = soleMember(nodeId, instanceId, options.address, index);
    const file = await disk.open(path, 'read');
    try {
      const sections = readSections({ file, path, compute });
      await storage.snapshots.write(header, withConfiguration(configuration, sections));
    } finally {
      await file.close();
    }
    await storage.write(newHistory(cluster.historyId, index, term, from.clusterTime.clusterTimeMs));
    await storage.recordCluster(cluster.clusterId, header.formedAtWallMs);
  } finally {
    await storage.close(true);
  }
  return cluster;
}

function soleMember(
  nodeId: number,
  instanceId: string,
  address: Address,
  index: LogIndex,
): ConfigurationSection {
  return {
    kind: snapshotSectionKinds.configuration,
    configuration: configurationOf([{ id: nodeId, address, role: 'voter', promotable: false }]),
    configurationIndex: index,
    bindings: [{ nodeId, instanceId, index }],
  };
}

/** All that the file holds, but for who belongs to the cluster. */
async function* withConfiguration(
  configuration: ConfigurationSection,
  sections: AsyncIterable<SnapshotSection>,
): AsyncGenerator<SnapshotSection> {
  for await (const section of sections) {
    yield section.kind === snapshotSectionKinds.configuration ? configuration : section;
  }
}

/** The first entry behind the snapshot; the only voter has it, so it is committed. */
function newHistory(
  historyId: HistoryId,
  index: LogIndex,
  term: Term,
  clusterTimeMs: number,
): StorageWrite {
  const proposal = { kind: entryKinds.newHistory, payload: encodeNewHistory(historyId) };
  return {
    writeId: 1,
    hardState: { term: term + 1, votedFor: null, stickinessMs: 0 },
    reset: { index, term },
    truncateFrom: undefined,
    entries: encodeEntries([proposal], index + 1, term + 1, clusterTimeMs),
    commitIndex: index + 1,
  };
}
