import { gunzipSync, gzipSync } from 'node:zlib';
import type { Compute, Disk, DiskFile } from '@d-engine/base';
import type { SnapshotHeader, SnapshotSection } from '../src/snapshot-format.ts';
import { snapshotSectionKinds } from '../src/snapshot-format.ts';
import { SnapshotDirectory } from '../src/snapshots/snapshot-directory.ts';
import type { RunRecord } from '../src/state/data-run.ts';
import { runRecordBytes, writeRunRecord } from '../src/state/data-run.ts';
import type { CrashDisk } from './crash-disk.ts';

export const snapshotsDirectory = '/srv/snapshots';

/** The same work, at once. */
export const testCompute: Compute = {
  gzip: async (bytes) => gzipSync(bytes),
  gunzip: async (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  sha256: () => Promise.reject(new Error('not used')),
};

export function openSnapshots(
  disk: CrashDisk,
  options: { compress?: boolean; prefix?: string } = {},
): Promise<SnapshotDirectory> {
  const { compress = false, prefix } = options;
  const directory = snapshotsDirectory;
  return SnapshotDirectory.open({ disk, compute: testCompute, directory, compress, prefix });
}

export function snapshotHeader(index: number, term = 3): SnapshotHeader {
  return { clusterId: 'c1'.repeat(16), formedAtWallMs: 1234, index, term };
}

const { configuration, history, clusterTime, data } = snapshotSectionKinds;

/** Sections that say `text`, in as many runs as told. */
export function snapshotSections(text: string, runs = 2): SnapshotSection[] {
  const members = [1, 2, 3].map((id) => ({
    id,
    address: `10.0.0.${id}:9081`,
    role: id === 3 ? ('learner' as const) : ('voter' as const),
    promotable: id === 3,
  }));
  const sections: SnapshotSection[] = [
    {
      kind: configuration,
      configuration: {
        voters: [1, 2],
        outgoingVoters: [2],
        learners: [3],
        nextLearners: [],
        autoLeave: true,
        members,
      },
      configurationIndex: 7,
      bindings: [{ nodeId: 1, instanceId: 'ab'.repeat(16), index: 1 }],
    },
    { kind: history, historyId: 'de'.repeat(16), revisionBase: 1e9, stateHash: '0123456789abcdef' },
    { kind: clusterTime, clusterTimeMs: 1.7e12 },
  ];
  for (let number = 0; number < runs; number++) {
    const key = Buffer.from(`key-${number}`);
    const value = Buffer.from(text.repeat(20));
    const record = {
      key,
      value,
      createRevision: 5,
      modRevision: 9,
      version: 2,
      expiresAt: 0,
      lease: 0,
    };
    sections.push({ kind: data, keyCount: 1, run: runOf([record]) });
  }
  return sections;
}

export function runOf(records: readonly RunRecord[]): Uint8Array {
  const run = Buffer.alloc(records.reduce((sum, record) => sum + runRecordBytes(record), 0));
  let at = 0;
  for (const record of records) at = writeRunRecord(run, at, record);
  return run;
}

/** With all bytes in plain buffers, to compare. */
export async function collectSections(
  sections: Iterable<SnapshotSection> | AsyncIterable<SnapshotSection>,
): Promise<SnapshotSection[]> {
  const collected: SnapshotSection[] = [];
  for await (const section of sections) {
    collected.push(section.kind === data ? { ...section, run: Buffer.from(section.run) } : section);
  }
  return collected;
}

export async function withFile<T>(
  disk: Disk,
  path: string,
  use: (file: DiskFile) => Promise<T>,
): Promise<T> {
  const file = await disk.open(path, 'read');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
