import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import type { SnapshotDirectory } from '../src/snapshots/snapshot-directory.ts';
import { CrashDisk, type CrashMode } from './crash-disk.ts';
import {
  collectSections,
  openSnapshots,
  snapshotHeader,
  snapshotSections,
} from './snapshot-fixtures.ts';

const tornSeeds = scaled({ gate: 6, long: 60 });
const modes: CrashMode[] = [
  { type: 'lost' },
  { type: 'kept' },
  { type: 'process' },
  ...Array.from({ length: tornSeeds }, (_, seed): CrashMode => ({ type: 'torn', seed })),
];

/** By index. */
const texts: Readonly<Record<number, string>> = { 4: 'four', 8: 'eight', 12: 'sent', 16: 'last' };

/** What was asked for, and what was said to be durable. */
class Ledger {
  asked = 0;
  acked = 0;
}

/** Writes, receives, removes and starts anew, until the end or until the disk crashes. */
async function run(disk: CrashDisk, ledger: Ledger, sent: SentFile): Promise<void> {
  const write = async (store: SnapshotDirectory, index: number): Promise<void> => {
    ledger.asked = index;
    await store.write(snapshotHeader(index), snapshotSections(texts[index] ?? ''));
    ledger.acked = index;
  };
  let store = await openSnapshots(disk);
  await write(store, 4);
  await write(store, 8);
  await store.removeOlder(1);
  await store.close();
  store = await openSnapshots(disk, { compress: true });
  const abandoned = await store.receive(snapshotHeader(11), 1000, 'ab');
  await abandoned.write(sent.bytes.subarray(0, 700));
  const { header, lengthBytes, sha256 } = sent;
  const receiver = await store.receive(header, lengthBytes, sha256);
  for (let at = 0; at < lengthBytes; at += 400) {
    await receiver.write(sent.bytes.subarray(at, at + 400));
  }
  ledger.asked = header.index;
  await receiver.finish();
  ledger.acked = header.index;
  await store.removeOlder(2);
  await write(store, 16);
  await store.removeOlder(1);
  await store.receive(snapshotHeader(20), 1000, 'ab');
  await store.close();
}

interface SentFile {
  readonly header: ReturnType<typeof snapshotHeader>;
  readonly lengthBytes: number;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

async function makeSentFile(): Promise<SentFile> {
  const store = await openSnapshots(new CrashDisk());
  const { header, lengthBytes, sha256 } = await store.write(
    snapshotHeader(12),
    snapshotSections('sent'),
  );
  const reader = await store.open();
  return { header, lengthBytes, sha256, bytes: await reader.read(0, lengthBytes) };
}

/** The newest that was reported is there, or a newer one that was asked for, and it is whole. */
async function verify(store: SnapshotDirectory, ledger: Ledger): Promise<number> {
  const index = store.latest?.header.index ?? 0;
  expect(index).toBeGreaterThanOrEqual(ledger.acked);
  expect(index).toBeLessThanOrEqual(ledger.asked);
  if (index > 0) {
    expect(await collectSections(store.read())).toEqual(snapshotSections(texts[index] ?? ''));
  }
  return index;
}

async function crashed(crashAt: number, sent: SentFile): Promise<[CrashDisk, Ledger, boolean]> {
  const disk = new CrashDisk();
  disk.crashAt = crashAt;
  const ledger = new Ledger();
  const ended = run(disk, ledger, sent).then(() => false);
  const happened = await Promise.race([ended, disk.crashed.then(() => true)]);
  return [disk, ledger, happened];
}

describe('a crash at every operation on snapshots', () => {
  it('keeps the newest that was reported, whole, and leaves nothing incomplete', async ({
    annotate,
  }) => {
    const sent = await makeSentFile();
    let points = 0;
    let runs = 0;
    for (let crashAt = 1; ; crashAt++) {
      const [disk, ledger, happened] = await crashed(crashAt, sent);
      for (const mode of modes) {
        const after = disk.restart(mode);
        const store = await openSnapshots(after);
        const found = await verify(store, ledger);
        const names = await after.list('/srv/snapshots');
        expect(names.filter((name) => !/^snapshot-\d+-3$/.test(name))).toEqual([]);
        // What was found is found again, whatever happens next; and the store goes on.
        const again = await openSnapshots(after.restart({ type: 'lost' }));
        expect(again.latest?.header.index ?? 0).toBe(found);
        await again.write(snapshotHeader(99), snapshotSections('next'));
        runs += 1;
      }
      if (!happened) break;
      points += 1;
    }
    await annotate(`${points} crash points, ${runs} recoveries`);
    expect(points).toBeGreaterThan(50);
  }, 120_000);

  it('recovers from crashes of the recovery itself', async ({ annotate }) => {
    const sent = await makeSentFile();
    let points = 0;
    for (let crashAt = 1; ; crashAt++) {
      const [disk, ledger, happened] = await crashed(crashAt, sent);
      if (!happened) break;
      for (const mode of [{ type: 'process' }, { type: 'torn', seed: crashAt }] as const) {
        for (let recoveryCrashAt = 1; ; recoveryCrashAt++) {
          const after = disk.restart(mode);
          after.crashAt = recoveryCrashAt;
          const opened = openSnapshots(after).then(() => false);
          if (!(await Promise.race([opened, after.crashed.then(() => true)]))) break;
          points += 1;
          for (const second of [{ type: 'lost' }, { type: 'torn', seed: 7 }] as const) {
            await verify(await openSnapshots(after.restart(second)), ledger);
          }
        }
      }
    }
    await annotate(`${points} crash points within a recovery`);
    expect(points).toBeGreaterThan(100);
  }, 120_000);
});
