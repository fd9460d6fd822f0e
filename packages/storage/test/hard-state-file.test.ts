import { DiskError } from '@d-engine/base';
import type { HardState } from '@d-engine/raft';
import { describe, expect, it } from 'vitest';
import { HardStateFile } from '../src/hard-state-file.ts';
import { StorageDamage } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import { collectingLogger, otherOwner, owner } from './fixtures.ts';

const path = '/data/hard-state';
const secondCopy = 4096;
const voteFor = (nodeId: number, term: number): HardState => ({
  term,
  votedFor: { nodeId, instanceId: otherOwner },
  stickinessMs: 500,
});

async function create(): Promise<CrashDisk> {
  const disk = new CrashDisk();
  await disk.makeDirectory('/data');
  await disk.syncDirectory('/');
  await HardStateFile.create({ disk, directory: '/data', owner, logger: collectingLogger() });
  return disk;
}

function open(disk: CrashDisk, logger = collectingLogger()): ReturnType<typeof HardStateFile.open> {
  return HardStateFile.open({ disk, directory: '/data', owner, logger });
}

describe('hard state', () => {
  it('is unknown until it was written', async () => {
    expect((await open(await create())).recovered).toBe(undefined);
  });

  it('is durable when write resolves, and both copies soon after', async () => {
    const disk = await create();
    const { store } = await open(disk);
    await store.write(voteFor(1, 3));
    expect((await open(disk.restart({ type: 'lost' }))).recovered).toEqual(voteFor(1, 3));
    const calm = await create();
    const second = await open(calm);
    await second.store.write(voteFor(1, 3));
    await second.store.close();
    for (const copy of [0, secondCopy]) {
      const damaged = calm.restart({ type: 'lost' });
      damaged.poke(path, copy + 30, Buffer.from([77]));
      const logger = collectingLogger();
      const opened = await open(damaged, logger);
      expect(opened.recovered).toEqual(voteFor(1, 3));
      expect(logger.warnings).toHaveLength(1);
      // The damaged copy was made whole again.
      expect((await open(damaged.restart({ type: 'lost' }))).recovered).toEqual(voteFor(1, 3));
    }
  });

  it('is refused when both copies are damaged, never reset', async () => {
    const disk = await create();
    disk.poke(path, 30, Buffer.from([1]));
    disk.poke(path, secondCopy + 30, Buffer.from([1]));
    await expect(open(disk)).rejects.toThrow(StorageDamage);
  });

  it('of another data directory is refused', async () => {
    const disk = await create();
    const options = { disk, directory: '/data', owner: otherOwner, logger: collectingLogger() };
    await expect(HardStateFile.open(options)).rejects.toThrow('another data directory');
  });

  it('shares a write among states that come while one is written', async () => {
    const disk = await create();
    const { store } = await open(disk);
    const { sync } = disk.counts;
    const order: number[] = [];
    const terms = Array.from({ length: 20 }, (_, position) => position + 1);
    await Promise.all(
      terms.map((term) => store.write(voteFor(1, term)).then(() => order.push(term))),
    );
    await store.close();
    expect(order).toEqual(terms);
    expect(disk.counts.sync - sync).toBe(4);
    expect((await open(disk.restart({ type: 'lost' }))).recovered).toEqual(voteFor(1, 20));
  });

  it('refuses to go back or to vote twice', async () => {
    const { store } = await open(await create());
    await store.write(voteFor(1, 5));
    expect(() => store.write(voteFor(1, 4))).toThrow('term goes back');
    expect(() => store.write(voteFor(2, 5))).toThrow('a second vote');
    expect(() => store.write({ ...voteFor(1, 5), votedFor: null })).toThrow('a second vote');
    expect(() => store.write({ ...voteFor(2, 6), stickinessMs: 1 })).toThrow('stickiness shrinks');
    await store.write(voteFor(2, 6));
  });

  it('fails for good after the first failure', async () => {
    const disk = await create();
    const { store } = await open(disk);
    disk.addFault({ operation: 'sync', kind: 'io' });
    const failures = await Promise.all(
      [1, 2].map((term) => store.write(voteFor(1, term)).catch((error: unknown) => error)),
    );
    expect(failures[0]).toBeInstanceOf(DiskError);
    expect(failures[1]).toBe(failures[0]);
    const { steps } = disk;
    expect(await store.write(voteFor(1, 3)).catch((error: unknown) => error)).toBe(failures[0]);
    await store.close();
    expect(disk.steps).toBe(steps);
  });

  it('that a failed sync left unwritten is not believed by the next run', async () => {
    const disk = await create();
    const { store } = await open(disk);
    disk.addFault({ operation: 'sync', kind: 'io' });
    await store.write(voteFor(1, 1)).catch(() => undefined);
    const second = disk.restart({ type: 'process' });
    const { recovered } = await open(second);
    expect((await open(second.restart({ type: 'lost' }))).recovered).toEqual(recovered);
  });
});
