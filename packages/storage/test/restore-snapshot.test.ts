import { join } from 'node:path';
import type { Entry } from '@d-engine/base';
import {
  encodeEntries,
  encodeWriteCommand,
  entryKinds,
  entryPayload,
  silentLogger,
} from '@d-engine/base';
import { historyIdOf } from '@d-engine/raft';
import { expect, test } from 'vitest';
import type { Storage } from '../src/contracts.ts';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';
import type { RestoredCluster } from '../src/restore-snapshot.ts';
import { restoreSnapshot } from '../src/restore-snapshot.ts';
import { snapshotSectionKinds } from '../src/snapshot-format.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  openSnapshots,
  snapshotHeader,
  snapshotsDirectory,
  testCompute,
} from './snapshot-fixtures.ts';
import { dataDirectory, openTestStorage } from './storage-fixtures.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const lastIndex = 5;
const target = '/srv/restored';
const file = join(snapshotsDirectory, `snapshot-${lastIndex}-3`);

function ids(): () => string {
  let made = 0;
  return () => {
    made += 1;
    return String(made).padStart(32, '0');
  };
}

/** A snapshot file of a cluster of three, at entry 5 of term 3. */
async function savedFile(): Promise<{ disk: CrashDisk; before: KeyValueStateMachine }> {
  const disk = new CrashDisk();
  const before = new KeyValueStateMachine({ readHistoryId: () => 'de'.repeat(16) });
  const bootstrap = { kind: entryKinds.bootstrap, payload: new Uint8Array(0) };
  const puts = ['a', 'b', 'c', 'd'].map((key) => ({
    kind: entryKinds.command,
    payload: encodeWriteCommand({ type: 'put', key: bytes(key), value: bytes(key), ttlMs: 0 }),
  }));
  before.apply(encodeEntries([bootstrap, ...puts], 1, 3, 1_000));
  const store = await openSnapshots(disk, { compress: true });
  const configuration = {
    kind: snapshotSectionKinds.configuration,
    configuration: {
      voters: [1, 2, 3],
      outgoingVoters: [],
      learners: [],
      nextLearners: [],
      autoLeave: false,
      members: [1, 2, 3].map((id) => {
        return { id, address: `old-${id}:9081`, role: 'voter' as const, promotable: false };
      }),
    },
    configurationIndex: 1,
    bindings: [{ nodeId: 1, instanceId: 'ab'.repeat(16), index: 1 }],
  };
  const view = before.view();
  const state: unknown[] = [];
  for await (const section of view.sections()) state.push(section);
  await store.write(snapshotHeader(lastIndex), [configuration, ...(state as [])]);
  await store.close();
  return { disk, before };
}

function restore(disk: CrashDisk, directory = target): Promise<RestoredCluster> {
  return restoreSnapshot({
    path: file,
    storage: { disk, compute: testCompute, directory, nodeId: 7, logger: silentLogger },
    address: 'new:9081',
    newId: ids(),
    nowWallMs: 1_800_000_000_000.5,
  });
}

function open(disk: CrashDisk): Promise<Storage> {
  return openTestStorage(disk, { directory: target, nodeId: 7 });
}

/** What the restored member has once it has applied its log. */
async function stateOf(storage: Storage): Promise<KeyValueStateMachine> {
  const after = new KeyValueStateMachine({ readHistoryId: historyIdOf });
  const { latest } = storage.snapshots;
  if (latest === null) throw new Error('no snapshot');
  await after.load(latest.header, storage.snapshots.read());
  after.apply(await storage.readEntries(lastIndex + 1, lastIndex + 1, 1_000));
  return after;
}

test('the new cluster has the same keys, other ids, one voter, and a higher term', async () => {
  const { disk, before } = await savedFile();
  const { clusterId, historyId, from } = await restore(disk);
  expect(from.keyCount).toBe(4);
  const storage = await open(disk);
  const { recovered, identity } = storage;
  expect(identity).toMatchObject({ nodeId: 7, clusterId, clusterFormedAtMs: 1_800_000_000_000 });
  expect(clusterId).not.toBe(from.header.clusterId);
  expect(historyId).not.toBe(before.historyId);
  expect(recovered.hardState).toMatchObject({ term: 4, votedFor: null });
  expect(recovered).toMatchObject({ firstIndex: 6, lastIndex: 6, commitIndex: 6 });
  const membership = recovered.snapshot?.membership;
  expect(membership?.clusterId).toBe(clusterId);
  expect(membership?.configuration).toMatchObject({ voters: [7], outgoingVoters: [] });
  expect(membership?.configuration.members).toMatchObject([{ id: 7, address: 'new:9081' }]);
  expect(membership?.bindings).toEqual([{ nodeId: 7, instanceId: identity.instanceId, index: 5 }]);
  const after = await stateOf(storage);
  expect(after.get(['a', 'd'].map(bytes))).toEqual(before.get(['a', 'd'].map(bytes)));
  expect(after.historyId).toBe(historyId);
  await storage.close();
});

test('no revision is given out twice', async () => {
  const { disk, before } = await savedFile();
  await restore(disk);
  const storage = await open(disk);
  const after = await stateOf(storage);
  // Whatever the old cluster wrote after the snapshot was taken.
  expect(after.revision).toBeGreaterThan(before.revision + 999_999_999);
  await storage.close();
});

test('two restores of one file are two clusters', async () => {
  const { disk } = await savedFile();
  const first = await restore(disk);
  const newId = (): string => Math.random().toString(16).slice(2).padEnd(32, 'f');
  const second = await restoreSnapshot({
    path: file,
    storage: { disk, compute: testCompute, directory: '/srv/2', nodeId: 7, logger: silentLogger },
    address: 'new:9081',
    newId,
    nowWallMs: 1,
  });
  expect(second.clusterId).not.toBe(first.clusterId);
  expect(second.historyId).not.toBe(first.historyId);
});

test('a directory that holds anything stays as it is', async () => {
  const { disk } = await savedFile();
  const storage = await openTestStorage(disk);
  await storage.close();
  const before = await disk.list(dataDirectory);
  await expect(restore(disk, dataDirectory)).rejects.toThrow(/is not empty/);
  expect(await disk.list(dataDirectory)).toEqual(before);
});

test('a damaged file is refused before anything is made of it', async () => {
  const { disk } = await savedFile();
  const opened = await disk.open(file, 'readWrite');
  const size = await opened.size();
  const at = Math.floor(size / 2);
  const [byte = 0] = await opened.read(at, 1);
  await opened.write(at, [Uint8Array.of(byte ^ 1)]);
  await opened.close();
  await expect(restore(disk)).rejects.toThrow(/is damaged at byte/);
  expect(await disk.exists(target)).toBe(false);
});

test('the first entry says that a new history begins', async () => {
  const { disk } = await savedFile();
  const { historyId } = await restore(disk);
  const storage = await open(disk);
  const [entry] = (await storage.readEntries(6, 6, 1_000)) as [Entry];
  expect(entry).toMatchObject({ kind: entryKinds.newHistory, term: 4, clusterTimeMs: 1_000 });
  expect(historyIdOf(entry)).toBe(historyId);
  expect(entryPayload(entry).length).toBeGreaterThan(0);
  await storage.close();
});
