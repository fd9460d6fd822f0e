import { describe, expect, it } from 'vitest';
import type { Storage } from '../src/contracts.ts';
import { CrashDisk } from './crash-disk.ts';
import { makeEntries, outcomeOf, settle } from './fixtures.ts';
import { snapshotHeader, snapshotSections } from './snapshot-fixtures.ts';
import { dataDirectory, openTestStorage, writeOf } from './storage-fixtures.ts';

const big = 1700;

/** Entries 1 to `last` of term 3, two in each segment, committed up to `commitIndex`. */
async function filled(last: number, commitIndex: number): Promise<[CrashDisk, Storage]> {
  const disk = new CrashDisk();
  const storage = await openTestStorage(disk);
  for (let index = 1; index <= last; index++) {
    const committed = Math.min(index, commitIndex);
    const entries = makeEntries(index, 3, [big]);
    await storage.write(writeOf({ entries, commitIndex: committed }));
    await settle();
  }
  return [disk, storage];
}

const snapshotAt = (storage: Storage, index: number, term = 3): Promise<unknown> =>
  storage.snapshots.write(snapshotHeader(index, term), snapshotSections(`as of ${index}`));

describe('a log beside a snapshot', () => {
  it('that it goes beyond keeps all of it', async () => {
    const [disk, storage] = await filled(6, 2);
    await snapshotAt(storage, 4);
    const { recovered } = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(recovered).toMatchObject({
      snapshot: { index: 4, term: 3, clusterTimeMs: 1.7e12 },
      firstIndex: 1,
      lastIndex: 6,
      commitIndex: 4,
      lastClusterTimeMs: 1.7e12,
      everFormed: true,
    });
    expect(recovered.snapshot?.membership).toMatchObject({ configurationIndex: 7 });
  });

  it('is purged behind it, and starts there', async () => {
    const [disk, storage] = await filled(7, 7);
    await snapshotAt(storage, 5);
    const { logBytes } = storage;
    await storage.purgeLog(5, 3);
    expect(storage.logBytes).toBeLessThan(logBytes);
    const again = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(again.recovered).toMatchObject({ firstIndex: 5, precedingTerm: 3, lastIndex: 7 });
    expect((await again.readEntries(5, 7, 10_000)).map(({ index }) => index)).toEqual([5, 6, 7]);
  });

  it('begins anew behind it when a crash came before the install was done', async () => {
    // The log is behind the snapshot, or goes on with what another leader never committed.
    for (const [index, term] of [
      [9, 3],
      [5, 4],
    ] as const) {
      const [disk, storage] = await filled(6, 4);
      await snapshotAt(storage, index, term);
      const second = disk.restart({ type: 'process' });
      const again = await openTestStorage(second);
      expect(again.recovered).toMatchObject({
        firstIndex: index + 1,
        precedingTerm: term,
        lastIndex: index,
        termStarts: [],
        commitIndex: index,
        lastClusterTimeMs: 1.7e12,
        hardState: { term, votedFor: null },
      });
      await again.write(writeOf({ entries: makeEntries(index + 1, 4, [10]), commitIndex: index }));
      const third = await openTestStorage(second.restart({ type: 'lost' }));
      expect(third.recovered).toMatchObject({ firstIndex: index + 1, lastIndex: index + 1 });
    }
  });

  it('keeps what follows the last entry of an installed one', async () => {
    const [disk, storage] = await filled(6, 2);
    await snapshotAt(storage, 6);
    const { recovered } = await openTestStorage(disk.restart({ type: 'lost' }));
    expect(recovered).toMatchObject({ firstIndex: 1, lastIndex: 6, commitIndex: 6 });
  });

  it('that is missing is refused, with advice', async () => {
    const [disk, storage] = await filled(7, 7);
    await snapshotAt(storage, 5);
    await storage.purgeLog(5, 3);
    await storage.close();
    for (const name of await disk.list(`${dataDirectory}/snapshots`)) {
      await disk.remove(`${dataDirectory}/snapshots/${name}`);
    }
    const failure = await outcomeOf(openTestStorage(disk));
    expect(failure).toMatchObject({ name: 'StorageDamage', file: `${dataDirectory}/log` });
    expect(String(failure)).toContain('begins with entry 5, and there is no snapshot');
    expect(String(failure)).toContain('Put the snapshot files back');
    expect(disk.openFiles).toBe(0);
  });

  it('with entries missing in between is refused', async () => {
    const [disk, storage] = await filled(7, 7);
    await snapshotAt(storage, 3);
    await storage.close();
    for (const id of [1, 2, 3]) {
      await disk.remove(`${dataDirectory}/log/${String(id).padStart(20, '0')}.segment`);
    }
    const failure = await outcomeOf(openTestStorage(disk));
    expect(String(failure)).toContain('begins with entry 7, and the newest snapshot ends at 3');
  });

  it('of another history is refused', async () => {
    const [disk, storage] = await filled(6, 5);
    await snapshotAt(storage, 5, 2);
    await storage.close();
    const failure = await outcomeOf(openTestStorage(disk));
    expect(String(failure)).toContain('committed entry 5 is of term 3, in the snapshot of term 2');
  });
});
