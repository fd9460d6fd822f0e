import { entryKinds } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import type { SegmentedLog } from '../src/segmented-log.ts';
import type { CrashMode } from './crash-disk.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  batchOf,
  describeEntries,
  holdLooks,
  logDirectory,
  makeEntries,
  newLog,
  openLog,
  outcomeOf,
  readAll,
  readRange,
  settle,
} from './fixtures.ts';

/** Each entry takes so much that two of them fill a segment. */
const big = 1700;

async function segmentIds(disk: CrashDisk): Promise<number[]> {
  const names = await disk.list(logDirectory);
  return names.filter((name) => name.endsWith('.segment')).map((name) => Number(name.slice(0, 20)));
}

/** Entries 1 to `last` of term 1, two in each segment. */
async function fill(log: SegmentedLog, last: number): Promise<string[]> {
  const entries = Array.from({ length: last }, (_, position) =>
    makeEntries(position + 1, 1, [big]),
  ).flat();
  for (const entry of entries) {
    await log.append(batchOf([entry], { commitIndex: entry.index }));
    await settle();
  }
  return describeEntries(entries);
}

describe('purge', () => {
  it('gives back the files that hold nothing else, and keeps all above', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const all = await fill(log, 9);
    const bytes = log.bytes;
    await log.purge(5, 1);
    await settle();
    expect(await segmentIds(disk)).toEqual([3, 4, 5, 6]);
    expect(log.bytes).toBeLessThan(bytes - 4 * big);
    expect(describeEntries(await readRange(log, 5, 9))).toEqual(all.slice(4));
    expect(await log.read(4, 9, 10_000)).toEqual([]);
    await log.append(batchOf(makeEntries(10, 2, [5])));
    for (const mode of [{ type: 'lost' }, { type: 'process' }] as const) {
      const opened = await openLog(disk.restart(mode));
      expect(opened.log.bytes).toBe(log.bytes);
      expect(opened.recovered).toMatchObject({
        firstIndex: 5,
        precedingTerm: 1,
        lastIndex: 10,
        termStarts: [
          { index: 5, term: 1 },
          { index: 10, term: 2 },
        ],
        commitIndex: 9,
      });
      expect((await readAll(opened)).slice(0, 5)).toEqual(all.slice(4));
    }
  });

  it('of everything keeps the segment that is written to', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await fill(log, 6);
    await log.purge(6, 1);
    await settle();
    expect(await segmentIds(disk)).toEqual([3, 4]);
    await log.purge(2, 1);
    await log.append(batchOf(makeEntries(7, 1, [big])));
    await log.purge(6, 1);
    await settle();
    expect(await segmentIds(disk)).toEqual([4, 5]);
    const { recovered } = await openLog(disk.restart({ type: 'lost' }));
    expect(recovered).toMatchObject({ firstIndex: 7, precedingTerm: 1, lastIndex: 7 });
  });

  it('removes one file after another, each for good before the next', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await fill(log, 8);
    const seen: string[] = [];
    disk.beforeChange = async (operation, path) => {
      seen.push(`${operation} ${path.replace(`${logDirectory}/`, '').replace(/^0+/, '')}`);
    };
    await log.purge(4, 1);
    expect(seen).toEqual([
      'remove 1.summary',
      'remove 1.segment',
      `syncDirectory ${logDirectory}`,
      'remove 2.summary',
      'remove 2.segment',
      `syncDirectory ${logDirectory}`,
    ]);
  });

  it('that a crash cuts short leaves no gap, wherever it comes', async () => {
    const modes: CrashMode[] = [{ type: 'lost' }, { type: 'kept' }, { type: 'process' }];
    for (let seed = 0; seed < 10; seed++) modes.push({ type: 'torn', seed });
    for (let more = 1; ; more++) {
      const disk = new CrashDisk();
      const { log } = await newLog(disk);
      const all = await fill(log, 9);
      disk.crashAt = disk.steps + more;
      const purged = log.purge(7, 1).then(() => false);
      const crashed = await Promise.race([purged, disk.crashed.then(() => true)]);
      for (const mode of modes) {
        const opened = await openLog(disk.restart(mode));
        const { firstIndex } = opened.recovered;
        expect(firstIndex).toBeLessThanOrEqual(8);
        expect(opened.recovered.lastIndex).toBe(9);
        expect(await readAll(opened)).toEqual(all.slice(firstIndex - 1));
      }
      if (!crashed) break;
      expect(more).toBeLessThan(20);
    }
  });

  it('takes away nothing that is being read', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const all = await fill(log, 8);
    const release = holdLooks(disk);
    const reading = log.read(2, 8, 100_000);
    const purging = log.purge(6, 1);
    await settle();
    expect(disk.counts.remove).toBe(0);
    // What is asked for now is as good as gone.
    expect(await log.read(3, 8, 100_000)).toEqual([]);
    release();
    expect(describeEntries(await reading)).toEqual(all.slice(1));
    await purging;
    expect((await segmentIds(disk))[0]).toBe(4);
  });

  it('of what a later segment truncated finds the log where that one begins it', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (const index of [1, 2, 3, 4]) await log.append(batchOf(makeEntries(index, 1, [big])));
    // Segment 3 begins behind entry 4 and goes back to entry 2.
    const kept = makeEntries(2, 2, [big, 10]);
    await log.append(batchOf(makeEntries(5, 1, [10])));
    await log.append(batchOf(kept, { truncateFrom: 2, commitIndex: 3 }));
    await log.purge(1, 1);
    await settle();
    expect((await segmentIds(disk))[0]).toBe(3);
    const opened = await openLog(disk.restart({ type: 'lost' }));
    expect(opened.recovered).toMatchObject({
      firstIndex: 2,
      precedingTerm: 1,
      lastIndex: 3,
      termStarts: [{ index: 2, term: 2 }],
    });
    expect(await readAll(opened)).toEqual(describeEntries(kept));
  });

  it('forgets the membership entries with the rest', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (let index = 1; index <= 6; index++) {
      const entries = makeEntries(index, 1, [big]).map((entry) => {
        entry.encoded[5] = entryKinds.binding;
        return { ...entry, kind: entryKinds.binding };
      });
      await log.append(batchOf(entries, { commitIndex: index }));
    }
    await log.purge(2, 1);
    const opened = await openLog(disk.restart({ type: 'lost' }));
    const indexes = opened.recovered.membershipEntries.map(({ index }) => index);
    expect(indexes).toEqual([3, 4, 5, 6]);
  });

  it('refuses what is not in the log, and another term', async () => {
    const { log } = await newLog(new CrashDisk());
    await fill(log, 3);
    expect(String(await outcomeOf(log.purge(4, 1)))).toContain('not in the log');
    expect(String(await outcomeOf(log.purge(2, 3)))).toContain('not of term 3');
  });

  it('that fails is final for the whole log', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await fill(log, 5);
    disk.addFault({ operation: 'syncDirectory', kind: 'io' });
    const failure = await outcomeOf(log.purge(4, 1));
    expect(failure).toMatchObject({ kind: 'io' });
    expect(await outcomeOf(log.append(batchOf(makeEntries(6, 1, [1]))))).toBe(failure);
    expect(await outcomeOf(log.purge(4, 1))).toBe(failure);
    await log.close();
    expect(disk.openFiles).toBe(0);
  });
});

describe('a reset', () => {
  const reset = { index: 20, term: 3 };

  it('begins the log anew behind the snapshot, and gives back what was before', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await fill(log, 5);
    await log.append(batchOf([], { reset, commitIndex: 20 }));
    await settle();
    expect(await segmentIds(disk)).toEqual([3, 4]);
    expect(await log.read(5, 5, 1000).catch(() => [])).toEqual([]);
    const second = disk.restart({ type: 'lost' });
    const empty = await openLog(second);
    expect(empty.recovered).toEqual({
      firstIndex: 21,
      precedingTerm: 3,
      lastIndex: 20,
      termStarts: [],
      membershipEntries: [],
      commitIndex: 20,
      lastClusterTimeMs: 0,
    });
    const next = makeEntries(21, 3, [10, 20]);
    await empty.log.append(batchOf(next));
    const opened = await openLog(second.restart({ type: 'lost' }));
    expect(opened.recovered).toMatchObject({
      firstIndex: 21,
      termStarts: [{ index: 21, term: 3 }],
    });
    expect(await readAll(opened)).toEqual(describeEntries(next));
  });

  it('may go back to below the end, with what follows it in the same write', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await log.append(batchOf(makeEntries(1, 1, [10, 10, 10, 10]), { commitIndex: 1 }));
    const next = makeEntries(3, 4, [20, 20]);
    const lower = { index: 2, term: 4 };
    await Promise.all([
      log.append(batchOf(makeEntries(5, 1, [10]))),
      log.append(batchOf(next, { reset: lower, commitIndex: 2 })),
      log.append(batchOf(makeEntries(4, 5, [7]), { truncateFrom: 4 })),
    ]);
    const opened = await openLog(disk.restart({ type: 'lost' }));
    expect(opened.recovered).toMatchObject({
      firstIndex: 3,
      precedingTerm: 4,
      lastIndex: 4,
      termStarts: [
        { index: 3, term: 4 },
        { index: 4, term: 5 },
      ],
    });
    expect(await readAll(opened)).toEqual(
      describeEntries([...next.slice(0, 1), ...makeEntries(4, 5, [7])]),
    );
  });

  it('that a crash cuts short left the old log or the new one, wherever it comes', async () => {
    const modes: CrashMode[] = [{ type: 'lost' }, { type: 'kept' }, { type: 'process' }];
    for (let seed = 0; seed < 10; seed++) modes.push({ type: 'torn', seed });
    for (let more = 1; ; more++) {
      const disk = new CrashDisk();
      const { log } = await newLog(disk);
      const all = await fill(log, 7);
      disk.crashAt = disk.steps + more;
      let isDone = false;
      const done = log
        .append(batchOf([], { reset, commitIndex: 20 }))
        .then(() => {
          isDone = true;
        })
        .then(settle);
      await Promise.race([done, disk.crashed]);
      for (const mode of modes) {
        const opened = await openLog(disk.restart(mode));
        if (opened.recovered.lastIndex !== 20) {
          expect(isDone).toBe(false);
          expect(await readAll(opened)).toEqual(all);
        } else {
          expect(opened.recovered).toMatchObject({ firstIndex: 21, precedingTerm: 3 });
        }
      }
      if (disk.steps < (disk.crashAt ?? 0)) break;
    }
  });

  it('empties a read that was under way', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await fill(log, 4);
    const release = holdLooks(disk);
    const reading = log.read(2, 4, 10_000);
    const done = log.append(batchOf([], { reset, commitIndex: 20 }));
    await settle();
    release();
    await done;
    expect(await reading).toEqual([]);
  });

  it('never goes back behind what was committed', async () => {
    const { log } = await newLog(new CrashDisk());
    await fill(log, 4);
    const lower = { index: 3, term: 9 };
    expect(() => log.append(batchOf([], { reset: lower, commitIndex: 3 }))).toThrow('going back');
  });
});
