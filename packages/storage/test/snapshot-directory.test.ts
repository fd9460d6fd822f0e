import { describe, expect, it } from 'vitest';
import type { SnapshotInfo, SnapshotReceiver } from '../src/contracts.ts';
import type { SnapshotDirectory } from '../src/snapshots/snapshot-directory.ts';
import { StorageDamage } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  collectSections,
  openSnapshots,
  snapshotHeader,
  snapshotSections,
  snapshotsDirectory,
} from './snapshot-fixtures.ts';

const pathOf = (name: string): string => `${snapshotsDirectory}/${name}`;

/** A file that another member made. */
async function sentFile(
  index: number,
  text = 'sent',
): Promise<{ info: SnapshotInfo; bytes: Buffer }> {
  const disk = new CrashDisk();
  const store = await openSnapshots(disk);
  const info = await store.write(snapshotHeader(index), snapshotSections(text));
  const reader = await store.open();
  const bytes = Buffer.from(await reader.read(0, info.lengthBytes + 10));
  await reader.close();
  return { info, bytes };
}

function receiveFrom(store: SnapshotDirectory, info: SnapshotInfo): Promise<SnapshotReceiver> {
  return store.receive(info.header, info.lengthBytes, info.sha256);
}

describe('a directory of snapshots', () => {
  it('is empty at first and gives back what was written, over a restart too', async () => {
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    expect(store.latest).toBe(null);
    const sections = snapshotSections('hello');
    const info = await store.write(snapshotHeader(5), sections);
    expect(store.latest).toBe(info);
    expect(info).toMatchObject({ header: snapshotHeader(5), keyCount: 2 });
    expect(await collectSections(store.read())).toEqual(sections);
    await store.close();
    expect(disk.openFiles).toBe(0);
    const after = disk.restart({ type: 'lost' });
    const again = await openSnapshots(after);
    expect(again.latest).toEqual(info);
    expect(await collectSections(again.read())).toEqual(sections);
    expect(await after.list(snapshotsDirectory)).toEqual(['snapshot-5-3']);
    expect(after.openFiles).toBe(0);
  });

  it('belongs to one process', async () => {
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    await expect(openSnapshots(disk)).rejects.toMatchObject({ kind: 'inUse' });
    await store.close();
    await openSnapshots(disk);
  });

  it('keeps as many as told and those that are read', async () => {
    const disk = new CrashDisk();
    const store = await openSnapshots(disk, { prefix: 'mine-' });
    await disk.open(pathOf('mine-of-somebody-else'), 'create');
    await store.write(snapshotHeader(1), snapshotSections('one'));
    const pinned = await store.open();
    const iterator = store.read()[Symbol.asyncIterator]();
    await iterator.next();
    for (const index of [2, 3, 10]) {
      await store.write(snapshotHeader(index), snapshotSections(String(index)));
    }
    const names = (): Promise<string[]> => disk.list(snapshotsDirectory);
    await store.removeOlder(2);
    const other = 'mine-of-somebody-else';
    expect(await names()).toEqual(['mine-1-3', 'mine-10-3', 'mine-3-3', other]);
    expect(await pinned.read(0, 8)).toHaveLength(8);
    await pinned.close();
    await store.removeOlder(0);
    expect(await names()).toEqual(['mine-1-3', 'mine-10-3', other]);
    await iterator.return?.(undefined);
    await store.removeOlder(1);
    expect(await names()).toEqual(['mine-10-3', other]);
  });

  it('takes no snapshot that is not newer', async () => {
    const store = await openSnapshots(new CrashDisk());
    await store.write(snapshotHeader(5), snapshotSections('five'));
    const again = store.write(snapshotHeader(5), snapshotSections('five'));
    await expect(again).rejects.toThrow('a snapshot at 5 after one at 5');
  });

  it('leaves nothing of a snapshot whose sections fail', async () => {
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    async function* failing(): AsyncGenerator<ReturnType<typeof snapshotSections>[number]> {
      yield* snapshotSections('text').slice(0, 3);
      throw new Error('the view broke');
    }
    await expect(store.write(snapshotHeader(5), failing())).rejects.toThrow('the view broke');
    expect(await disk.list(snapshotsDirectory)).toEqual([]);
    expect(store.latest).toBe(null);
    await store.write(snapshotHeader(5), snapshotSections('text'));
  });

  it('refuses a file under the name of another, and one that is damaged', async () => {
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    await store.write(snapshotHeader(5), snapshotSections('five'));
    await store.close();
    const renamed = disk.restart({ type: 'kept' });
    await renamed.rename(pathOf('snapshot-5-3'), pathOf('snapshot-6-3'));
    await expect(openSnapshots(renamed)).rejects.toThrow('it is the snapshot 5-3, not the one');
    const cut = disk.restart({ type: 'kept' });
    const file = await cut.open(pathOf('snapshot-5-3'), 'readWrite');
    await file.truncate(200);
    await expect(openSnapshots(cut)).rejects.toMatchObject({ file: pathOf('snapshot-5-3') });
    // Refused, and not held either.
    await expect(openSnapshots(cut)).rejects.toThrow(StorageDamage);
  });
});

describe('a full disk', () => {
  it('fails the snapshot, wherever it gets full, and the next one works', async () => {
    const probe = new CrashDisk();
    const probeStore = await openSnapshots(probe);
    await probeStore.write(snapshotHeader(5), snapshotSections('text'));
    const writes = probe.counts.write;
    for (let after = 0; after < writes; after++) {
      const disk = new CrashDisk();
      const store = await openSnapshots(disk);
      disk.addFault({ operation: 'write', kind: 'full', after });
      const failed = store.write(snapshotHeader(5), snapshotSections('text'));
      await expect(failed).rejects.toMatchObject({ kind: 'full' });
      expect(await disk.list(snapshotsDirectory)).toEqual([]);
      expect(disk.openFiles).toBe(0);
      await store.write(snapshotHeader(6), snapshotSections('text'));
      expect(store.latest?.header.index).toBe(6);
    }
  });

  it('lets a transfer go on where it was once there is room', async () => {
    const { info, bytes } = await sentFile(9);
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    const receiver = await receiveFrom(store, info);
    await receiver.write(bytes.subarray(0, 300));
    disk.addFault({ operation: 'write', kind: 'full' });
    await expect(receiver.write(bytes.subarray(300))).rejects.toMatchObject({ kind: 'full' });
    expect(receiver.offset).toBe(300);
    await receiver.write(bytes.subarray(300));
    expect(await receiver.finish()).toEqual(info);
  });

  it('is told from a failing one, after which nothing is tried again', async () => {
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    disk.addFault({ operation: 'sync', kind: 'io' });
    const failed = store.write(snapshotHeader(5), snapshotSections('text'));
    await expect(failed).rejects.toMatchObject({ kind: 'io' });
    const next = store.write(snapshotHeader(6), snapshotSections('text'));
    await expect(next).rejects.toMatchObject({ kind: 'io' });
    expect(disk.counts.sync).toBe(1);
  });
});

describe('a snapshot that arrives', () => {
  it('in pieces, over broken connections, counts when it is whole', async () => {
    const { info, bytes } = await sentFile(9);
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    for (let at = 0; at < bytes.length; at += 100) {
      const receiver = await receiveFrom(store, info);
      expect(receiver.offset).toBe(at);
      await receiver.write(bytes.subarray(at, at + 100));
      expect(store.latest).toBe(null);
    }
    const receiver = await receiveFrom(store, info);
    expect(await receiver.finish()).toEqual(info);
    expect(store.latest).toEqual(info);
    const again = await openSnapshots(disk.restart({ type: 'lost' }));
    expect(await collectSections(again.read())).toEqual(snapshotSections('sent'));
    expect(disk.openFiles).toBe(0);
  });

  it('gives way to another one, and to none', async () => {
    const nine = await sentFile(9);
    const ten = await sentFile(10);
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    const first = await receiveFrom(store, nine.info);
    await first.write(nine.bytes.subarray(0, 50));
    const second = await receiveFrom(store, ten.info);
    expect(second.offset).toBe(0);
    expect(await disk.list(snapshotsDirectory)).toEqual(['snapshot-10-3.part']);
    await expect(first.write(nine.bytes.subarray(50))).rejects.toThrow('has ended');
    await second.abandon();
    expect(await disk.list(snapshotsDirectory)).toEqual([]);
    await receiveFrom(store, ten.info);
    await store.close();
    expect(await disk.list(snapshotsDirectory)).toEqual([]);
  });

  it('is dropped when this member has one as new by then', async () => {
    const { info, bytes } = await sentFile(9);
    const disk = new CrashDisk();
    const store = await openSnapshots(disk);
    const receiver = await receiveFrom(store, info);
    await receiver.write(bytes);
    const own = store.write(snapshotHeader(9), snapshotSections('own'));
    expect(await receiver.finish()).toBe(undefined);
    expect(store.latest).toEqual(await own);
    expect(await disk.list(snapshotsDirectory)).toEqual(['snapshot-9-3']);
  });

  it('is refused when a bit of it flipped, when it is short or long, or another one', async () => {
    const { info, bytes } = await sentFile(9);
    const { info: otherInfo } = await sentFile(9, 'else');
    const flipped = Buffer.from(bytes);
    flipped[500] = (flipped[500] ?? 0) ^ 4;
    const cases: readonly [SnapshotInfo, Uint8Array, RegExp][] = [
      [info, flipped, /did not arrive as it was sent/],
      [info, bytes.subarray(0, -1), /shorter than was announced/],
      [info, Buffer.concat([bytes, Buffer.alloc(1)]), /longer than was announced/],
      [{ ...otherInfo, lengthBytes: bytes.length }, bytes, /not the snapshot that was announced/],
      [{ ...info, header: snapshotHeader(8) }, bytes, /not the snapshot that was announced/],
    ];
    for (const [announced, content, message] of cases) {
      const disk = new CrashDisk();
      const store = await openSnapshots(disk);
      const receiver = await receiveFrom(store, announced);
      const arrival = receiver.write(content).then(() => receiver.finish());
      await expect(arrival).rejects.toThrow(message);
      expect(await disk.list(snapshotsDirectory)).toEqual([]);
      expect(store.latest).toBe(null);
      expect(disk.openFiles).toBe(0);
      // Not for good: it is fetched again.
      const retry = await receiveFrom(store, info);
      await retry.write(bytes);
      expect(await retry.finish()).toEqual(info);
    }
  });
});
