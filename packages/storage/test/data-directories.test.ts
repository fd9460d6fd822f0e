import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { CrashDisk } from './crash-disk.ts';
import { makeCrashEntries, openCrashStorage } from './crash-workload.ts';
import { describeEntries } from './fixtures.ts';
import { collectSections, snapshotSections } from './snapshot-fixtures.ts';
import { dataDirectory } from './storage-fixtures.ts';

/** A disk with the files that a released version left (write-data-directory.ts). */
async function diskWith(directory: string): Promise<CrashDisk> {
  const disk = new CrashDisk();
  const names = readdirSync(directory, { recursive: true }) as string[];
  for (const name of names.filter((each) => statSync(join(directory, each)).isFile())) {
    const path = join(dataDirectory, name);
    let parent = '';
    for (const part of dirname(path).split('/').slice(1)) {
      parent += `/${part}`;
      if (!(await disk.exists(parent))) await disk.makeDirectory(parent);
    }
    const file = await disk.open(path, 'create');
    await file.writeAndSync(0, [readFileSync(join(directory, name))]);
    await file.close();
  }
  return disk;
}

test('a data directory of format 1 opens, with all that it held', async () => {
  const disk = await diskWith(join(import.meta.dirname, 'data-directory-1'));
  const storage = await openCrashStorage(disk);
  const { identity, recovered, snapshots } = storage;
  expect(identity).toMatchObject({
    nodeId: 1,
    instanceId: '1'.padStart(32, '0'),
    bootCount: 6,
    clusterId: 'c'.repeat(32),
    clusterFormedAtMs: 12345,
    peers: new Map([[2, { instanceId: '2'.repeat(32), bootCount: 2 }]]),
  });
  const votedFor = { nodeId: 1, instanceId: '1'.repeat(32) };
  expect(recovered.hardState).toEqual({ term: 7, votedFor, stickinessMs: 700 });
  expect(recovered).toMatchObject({ lastIndex: 44, commitIndex: 43 });
  const entries = await storage.readEntries(43, 44, 10_000);
  expect(describeEntries(entries)).toEqual(describeEntries(makeCrashEntries(43, 7, [10, 1800])));
  expect(snapshots.latest?.header).toMatchObject({ index: 42, term: 7 });
  expect(await collectSections(snapshots.read())).toEqual(snapshotSections('of another at 42'));
  await storage.close();
});
