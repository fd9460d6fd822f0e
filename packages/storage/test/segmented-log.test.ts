import type { Entry } from '@d-engine/base';
import { DiskError, entryKinds, limits } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { StorageDamage } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  batchOf,
  describeEntries,
  holdLooks,
  holdWrites,
  logDirectory,
  makeEntries,
  newLog,
  openLog,
  outcomeOf,
  readAll,
  readRange,
  settle,
} from './fixtures.ts';

describe('a new log', () => {
  it('is empty', async () => {
    const { log, recovered } = await newLog(new CrashDisk());
    expect(recovered).toEqual({
      firstIndex: 1,
      precedingTerm: 0,
      lastIndex: 0,
      termStarts: [],
      membershipEntries: [],
      commitIndex: 0,
      lastClusterTimeMs: 0,
    });
    await log.close();
  });
});

describe('append', () => {
  it('is found after a power loss as soon as it resolved', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const first = makeEntries(1, 1, [10, 20, 30]);
    const second = makeEntries(4, 2, [40]);
    await log.append(batchOf(first));
    await log.append(batchOf(second, { commitIndex: 3 }));
    const opened = await openLog(disk.restart({ type: 'lost' }));
    expect(await readAll(opened)).toEqual(describeEntries([...first, ...second]));
    expect(opened.recovered).toMatchObject({
      lastIndex: 4,
      commitIndex: 3,
      lastClusterTimeMs: second[0]?.clusterTimeMs,
      termStarts: [
        { index: 1, term: 1 },
        { index: 4, term: 2 },
      ],
    });
  });

  it('shares one write among all calls made while another is in flight', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    const release = holdWrites(disk);
    const { sync, write } = disk.counts;
    const order: number[] = [];
    const appends = Array.from({ length: 50 }, (_, position) =>
      log.append(batchOf(makeEntries(position + 1, 1, [8]))).then(() => order.push(position)),
    );
    await settle();
    expect(order).toEqual([]);
    release();
    await Promise.all(appends);
    expect(order).toEqual(Array.from({ length: 50 }, (_, position) => position));
    expect({ sync: disk.counts.sync - sync, write: disk.counts.write - write }).toEqual({
      sync: 2,
      write: 2,
    });
  });

  it('without entries waits for what came before and writes nothing itself', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    const release = holdWrites(disk);
    const order: string[] = [];
    const written = log.append(batchOf(makeEntries(1, 1, [8]))).then(() => order.push('entry'));
    const nothing = log.append(batchOf([])).then(() => order.push('nothing'));
    await settle();
    expect(order).toEqual([]);
    release();
    await Promise.all([written, nothing]);
    expect(order).toEqual(['entry', 'nothing']);
    const { write } = disk.counts;
    await log.append(batchOf([]));
    expect(disk.counts.write).toBe(write);
  });

  it('of a commit index alone makes it durable, once', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    await log.append(batchOf(makeEntries(1, 1, [8, 8, 8])));
    const { write } = disk.counts;
    await log.append(batchOf([], { commitIndex: 2 }));
    await log.append(batchOf([], { commitIndex: 2 }));
    await log.append(batchOf([], { commitIndex: 1 }));
    expect(disk.counts.write - write).toBe(1);
    // It says as well that the entries are durable: nothing is left to mark.
    await log.idle();
    expect(disk.counts.write - write).toBe(1);
    const { recovered } = await openLog(disk.restart({ type: 'lost' }));
    expect(recovered.commitIndex).toBe(2);
    expect(() => log.append(batchOf([], { commitIndex: 4 }))).toThrow('not in the log');
  });

  it('removes a suffix in the same write as what replaces it', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const first = makeEntries(1, 1, [10, 10, 10, 10]);
    const second = makeEntries(3, 2, [20, 20, 20]);
    await log.append(batchOf(first, { commitIndex: 2 }));
    await settle();
    const { write } = disk.counts;
    await log.append(batchOf(second, { truncateFrom: 3, commitIndex: 2 }));
    expect(disk.counts.write - write).toBe(1);
    const all = describeEntries([...first.slice(0, 2), ...second]);
    expect(describeEntries(await readRange(log, 1, 5))).toEqual(all);
    expect(await readAll(await openLog(disk.restart({ type: 'lost' })))).toEqual(all);
  });

  it('removes nothing when what replaces it goes to the next segment and is lost', async () => {
    for (let more = 1; ; more++) {
      const disk = new CrashDisk();
      const { log } = await newLog(disk);
      // Leaves room for the header of a record, and for no more.
      await log.append(batchOf(makeEntries(1, 1, [3800])));
      await settle();
      disk.crashAt = disk.steps + more;
      let isReplaced = false;
      const replaced = log
        .append(batchOf(makeEntries(1, 2, [400]), { truncateFrom: 1 }))
        .then(() => {
          isReplaced = true;
        });
      await Promise.race([replaced, disk.crashed]);
      const { recovered } = await openLog(disk.restart({ type: 'lost' }));
      expect(recovered.termStarts).toEqual([{ index: 1, term: isReplaced ? 2 : 1 }]);
      if (isReplaced) break;
    }
  });

  it('refuses gaps and the removal of committed entries', async () => {
    const { log } = await newLog(new CrashDisk());
    await log.append(batchOf(makeEntries(1, 1, [1, 1, 1]), { commitIndex: 2 }));
    expect(() => log.append(batchOf(makeEntries(5, 1, [1])))).toThrow('does not follow');
    expect(() => log.append(batchOf([], { truncateFrom: 2 }))).toThrow('committed up to 2');
    expect(() => log.append(batchOf([], { truncateFrom: 5 }))).toThrow('cannot remove');
  });

  it('writes entries of one buffer as one chunk', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk, { segmentBytes: 64 * 1024 });
    const entries = makeEntries(
      1,
      1,
      Array.from({ length: 100 }, () => 8),
    );
    const encoded = Buffer.concat(entries.map((entry) => entry.encoded));
    await log.append(batchOf(entries));
    expect(disk.peek(`${logDirectory}/00000000000000000001.segment`).includes(encoded)).toBe(true);
  });

  it('goes on in the next segment, made before it is needed', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const entries = makeEntries(
      1,
      1,
      Array.from({ length: 30 }, () => 700),
    );
    for (const entry of entries) {
      await settle();
      const { create } = disk.counts;
      let created = 0;
      const append = log.append(batchOf([entry])).then(() => {
        created = disk.counts.create - create;
      });
      await append;
      expect(created).toBeLessThanOrEqual(1);
    }
    expect((await disk.list(logDirectory)).length).toBeGreaterThan(6);
    const opened = await openLog(disk.restart({ type: 'lost' }));
    expect(await readAll(opened)).toEqual(describeEntries(entries));
  });

  it('splits a batch that is larger than a write and reads it back', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk, { segmentBytes: limits.segmentBytes });
    const sizes = [...Array.from({ length: 15 }, () => 1024 * 1024), 4 * 1024 * 1024, 10];
    const entries = makeEntries(1, 1, sizes);
    await log.append(batchOf(entries, { commitIndex: entries.length }));
    const read = await readRange(log, 1, entries.length, 2 * 1024 * 1024);
    const bytesOf = (list: readonly Entry[]): Buffer =>
      Buffer.concat(list.map(({ encoded }) => encoded));
    expect(bytesOf(read).equals(bytesOf(entries))).toBe(true);
    const { recovered } = await openLog(disk.restart({ type: 'lost' }), {
      segmentBytes: limits.segmentBytes,
    });
    expect(recovered).toMatchObject({ lastIndex: 17, commitIndex: 17 });
  });
});

describe('membership entries', () => {
  it('come back from recovery unless they were removed', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const entries = makeEntries(1, 1, [10, 11, 12, 13]).map((entry, position) => {
      const kind = position === 0 ? entryKinds.bootstrap : entryKinds.binding;
      entry.encoded[5] = kind;
      return { ...entry, kind };
    });
    await log.append(batchOf(entries));
    await log.append(batchOf(makeEntries(3, 2, [5]), { truncateFrom: 3 }));
    const { recovered } = await openLog(disk.restart({ type: 'lost' }));
    expect(describeEntries(recovered.membershipEntries)).toEqual(
      describeEntries(entries.slice(0, 2)),
    );
    expect(recovered.membershipEntries.map(({ kind }) => kind)).toEqual([2, 3]);
  });
});

describe('read', () => {
  it('returns as much as fits, but at least one entry', async () => {
    const { log } = await newLog(new CrashDisk());
    const entries = makeEntries(1, 1, [100, 100, 100, 100]);
    await log.append(batchOf(entries));
    expect((await log.read(2, 4, 1)).map(({ index }) => index)).toEqual([2]);
    expect((await log.read(1, 4, 270)).map(({ index }) => index)).toEqual([1, 2]);
    expect((await log.read(3, 100, 10_000)).map(({ index }) => index)).toEqual([3, 4]);
    await expect(log.read(5, 5, 1)).rejects.toThrow('not durable');
  });

  it('checks every byte again', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await log.append(batchOf(makeEntries(1, 1, [100])));
    disk.poke(`${logDirectory}/00000000000000000001.segment`, 200, Buffer.from([1]));
    await expect(log.read(1, 1, 1000)).rejects.toThrow(StorageDamage);
  });

  it('takes no removal for damage when it meets one on its way', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (const index of [1, 2, 3]) await log.append(batchOf(makeEntries(index, 1, [2500])));
    await settle();
    const release = holdLooks(disk);
    const reading = log.read(1, 3, 100_000);
    // Each entry is in a segment of its own: when the reader gets to the third, it is gone.
    await log.append(batchOf([], { truncateFrom: 2 }));
    release();
    expect((await reading).map(({ index }) => index)).toEqual([1]);
  });

  it('starts again when entries are removed meanwhile, and finds what stands now', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await log.append(batchOf(makeEntries(1, 1, [100, 100, 100])));
    await settle();
    const release = holdLooks(disk);
    const readings = [log.read(3, 3, 1000), log.read(1, 3, 1000)] as const;
    await log.append(batchOf(makeEntries(2, 2, [50]), { truncateFrom: 2 }));
    release();
    const [gone, replaced] = await Promise.all(readings);
    expect(gone).toEqual([]);
    expect(replaced.map(({ index, term }) => `${index}@${term}`)).toEqual(['1@1', '2@2']);
    await expect(log.read(3, 3, 1000)).rejects.toThrow('not durable');
  });
});

describe('a disk that fails', () => {
  it('fails the write under way and all later ones with one cause, without a retry', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    await log.append(batchOf(makeEntries(1, 1, [8])));
    const release = holdWrites(disk);
    disk.addFault({ operation: 'sync', kind: 'io' });
    const appends = [2, 3, 4].map((index) =>
      outcomeOf(log.append(batchOf(makeEntries(index, 1, [8])))),
    );
    release();
    const outcomes = await Promise.all(appends);
    expect(outcomes[0]).toBeInstanceOf(DiskError);
    expect(new Set(outcomes).size).toBe(1);
    const { steps } = disk;
    expect(await outcomeOf(log.append(batchOf(makeEntries(5, 1, [8]))))).toBe(outcomes[0]);
    expect(await outcomeOf(log.idle())).toBe(outcomes[0]);
    await log.close();
    expect(disk.steps).toBe(steps);
  });

  it('that failed a sync is not believed by the next run', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    await log.append(batchOf(makeEntries(1, 1, [8])));
    disk.addFault({ operation: 'sync', kind: 'io' });
    const entries = makeEntries(2, 1, [900]);
    expect(await outcomeOf(log.append(batchOf(entries)))).toBeInstanceOf(DiskError);
    // The system shows the bytes and believes them to be on disk; they are not.
    const second = disk.restart({ type: 'process' });
    const { recovered } = await openLog(second);
    expect(recovered.lastIndex).toBe(2);
    const third = await openLog(second.restart({ type: 'lost' }));
    expect(third.recovered.lastIndex).toBe(2);
  });

  it('that is full lets the current segment be filled, says so, and goes on later', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    expect(log.spaceProblem).toBe(undefined);
    disk.capacityBytes = disk.usedBytes();
    let index = 1;
    while (log.spaceProblem === undefined) {
      await log.append(batchOf(makeEntries(index, 1, [500])));
      await settle();
      index += 1;
    }
    await log.append(batchOf(makeEntries(index, 1, [500])));
    expect(log.spaceProblem).toMatchObject({ kind: 'full' });
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    await log.idle();
    await settle();
    expect(log.spaceProblem).toBe(undefined);
    for (let more = 1; more < 20; more++) {
      await log.append(batchOf(makeEntries(index + more, 1, [500])));
    }
    const opened = await openLog(disk.restart({ type: 'lost' }));
    expect(opened.recovered.lastIndex).toBe(index + 19);
  });

  it('that stays full fails only the write that needs another segment', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    disk.capacityBytes = disk.usedBytes();
    let acknowledged = 0;
    let failure: unknown;
    while (failure === undefined) {
      const append = log.append(batchOf(makeEntries(acknowledged + 1, 1, [500])));
      const outcome = await outcomeOf(append);
      if (outcome === 'done') acknowledged += 1;
      else failure = outcome;
    }
    expect(failure).toMatchObject({ name: 'DiskError', kind: 'full' });
    expect((await disk.list(logDirectory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await log.close();
    const { recovered } = await openLog(disk.restart({ type: 'lost' }));
    expect(recovered.lastIndex).toBe(acknowledged);
  });

  it('that fails while it prepares a segment is not asked again, for nothing at all', async () => {
    const disk = new CrashDisk();
    disk.addFault({ operation: 'sync', kind: 'io', pathIncludes: '2.segment.tmp', times: 1 });
    const { log } = await newLog(disk);
    await settle();
    expect(log.spaceProblem).toMatchObject({ kind: 'io' });
    expect(await outcomeOf(log.idle())).toMatchObject({ kind: 'io' });
    const { write } = disk.counts;
    const outcome = await outcomeOf(log.append(batchOf(makeEntries(1, 1, [3000]))));
    expect(outcome).toMatchObject({ kind: 'io' });
    expect(disk.counts.write).toBe(write);
  });
});

describe('idle', () => {
  it('writes once what is durable, and only when that is news', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    const { write } = disk.counts;
    await log.idle();
    expect(disk.counts.write - write).toBe(0);
    await log.append(batchOf(makeEntries(1, 1, [8])));
    await Promise.all([log.idle(), log.idle()]);
    await log.idle();
    expect(disk.counts.write - write).toBe(2);
    await log.append(batchOf([], { commitIndex: 1 }));
    await log.idle();
    expect(disk.counts.write - write).toBe(3);
    await log.close();
    expect(disk.counts.write - write).toBe(3);
    const opened = await openLog(disk.restart({ type: 'lost' }));
    expect(opened.recovered.commitIndex).toBe(1);
  });

  it('after an append covers that append', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    const release = holdWrites(disk);
    const appends = [1, 2].map((index) => log.append(batchOf(makeEntries(index, 1, [100]))));
    const idle = log.idle();
    release();
    await Promise.all([...appends, idle]);
    const lastRecord = 64 + (64 + 32 + 104);
    disk.poke(`${logDirectory}/00000000000000000001.segment`, lastRecord + 99, Buffer.from([1]));
    await expect(openLog(disk.restart({ type: 'lost' }))).rejects.toThrow(StorageDamage);
  });
});

describe('close', () => {
  it('finishes what was queued and takes nothing more', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const append = log.append(batchOf(makeEntries(1, 1, [8])));
    const closes = [log.close(), log.close()];
    expect(() => log.append(batchOf(makeEntries(2, 1, [8])))).toThrow('after close');
    await Promise.all([append, ...closes]);
    const { recovered } = await openLog(disk.restart({ type: 'lost' }));
    expect(recovered.lastIndex).toBe(1);
  });
});
