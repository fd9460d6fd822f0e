import { entryKinds } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SegmentSummary } from '../src/segment-summary.ts';
import { decodeSummary, encodeSummary } from '../src/segment-summary.ts';
import { StorageDamage } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  batchOf,
  collectingLogger,
  describeEntries,
  logDirectory,
  makeEntries,
  newLog,
  openLog,
  otherOwner,
  outcomeOf,
  owner,
  readAll,
  segmentFile,
  settle,
} from './fixtures.ts';

const exact = fc.maxSafeNat();
const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const entryId = fc.record({ index: exact, term: exact });
const summaries: fc.Arbitrary<SegmentSummary> = fc.record({
  segmentId: uint32,
  firstSequence: exact,
  lastSequence: exact,
  endOffset: uint32,
  kept: entryId,
  resets: fc.boolean(),
  lastIndex: exact,
  commitIndex: exact,
  durable: fc.record({ segmentId: uint32, offset: uint32 }),
  termStarts: fc.array(entryId, { maxLength: 5 }),
  membershipEntries: fc.constantFrom([], makeEntries(3, 1, [10, 0])),
  anchors: fc.array(fc.record({ index: exact, offset: uint32 }), { maxLength: 5 }),
});

describe('the encoding of a summary', () => {
  it('brings back what went in', () => {
    fc.assert(
      fc.property(summaries, (summary) => {
        const decoded = decodeSummary(encodeSummary(summary, owner), summary.segmentId, owner);
        const { membershipEntries: found = [], ...rest } = decoded ?? {};
        const { membershipEntries, ...expected } = summary;
        expect(rest).toEqual(expected);
        expect(describeEntries(found)).toEqual(describeEntries(membershipEntries));
      }),
    );
  });

  it('tells every flipped bit, every shorter file, another segment and another owner', () => {
    const [summary] = fc.sample(summaries, { seed: 1, numRuns: 1 });
    if (summary === undefined) throw new Error('no summary');
    const bytes = encodeSummary(summary, owner);
    const { segmentId } = summary;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = Uint8Array.from(bytes);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeSummary(damaged, segmentId, owner)).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeSummary(bytes.subarray(0, length), segmentId, owner)).toBeUndefined();
    }
    expect(decodeSummary(bytes, segmentId + 1, owner)).toBeUndefined();
    expect(decodeSummary(bytes, segmentId, otherOwner)).toBeUndefined();
  });
});

const summaryFile = (segmentId: number): string =>
  `${logDirectory}/${String(segmentId).padStart(20, '0')}.summary`;

/** Entries 1 to 9, two in each segment but the last one; terms change, some tell of members. */
async function writeLog(): Promise<{ readonly disk: CrashDisk; readonly all: string[] }> {
  const disk = new CrashDisk();
  const { log } = await newLog(disk);
  const all: string[] = [];
  for (let index = 1; index <= 9; index++) {
    const [entry] = makeEntries(index, index < 6 ? 1 : 2, [1700]);
    if (entry === undefined) throw new Error('no entry');
    const kind = index % 3 === 0 ? entryKinds.binding : entryKinds.command;
    entry.encoded[5] = kind;
    await log.append(batchOf([{ ...entry, kind }], { commitIndex: index - 1 }));
    all.push(...describeEntries([entry]));
    await settle();
  }
  await log.close();
  return { disk, all };
}

describe('a start behind a snapshot', () => {
  it('reads no full segment that the snapshot covers, and finds the same log', async () => {
    const { disk, all } = await writeLog();
    const scanned = await openLog(disk.restart({ type: 'kept' }));
    const fast = disk.restart({ type: 'kept' });
    const opened = await openLog(fast, { coveredIndex: 8 });
    // Their headers, as the segment and as the next one.
    for (const id of [1, 2, 3, 4])
      expect(fast.bytesRead.get(segmentFile(id))).toBeLessThanOrEqual(128);
    expect(fast.bytesRead.get(segmentFile(5))).toBeGreaterThan(1700);
    const { membershipEntries, ...recovered } = opened.recovered;
    const { membershipEntries: scannedEntries, ...expected } = scanned.recovered;
    expect(recovered).toEqual(expected);
    expect(describeEntries(membershipEntries)).toEqual(describeEntries(scannedEntries));
    expect(membershipEntries.map(({ index }) => index)).toEqual([3, 6, 9]);
    expect(await readAll(opened)).toEqual(all);
  });

  it('reads those that it does not cover', async () => {
    const { disk } = await writeLog();
    for (const [coveredIndex, read] of [
      [0, [1, 2, 3, 4]],
      [3, [2, 3, 4]],
      [4, [3, 4]],
      [8, []],
    ] as const) {
      const after = disk.restart({ type: 'kept' });
      await openLog(after, { coveredIndex });
      const isRead = (id: number): boolean => (after.bytesRead.get(segmentFile(id)) ?? 0) > 1700;
      expect([1, 2, 3, 4].filter(isRead)).toEqual(read);
      const damaged = disk.restart({ type: 'kept' });
      damaged.poke(segmentFile(2), 300, Buffer.from([1]));
      const outcome = await outcomeOf(openLog(damaged, { coveredIndex }));
      if (coveredIndex < 4) expect(outcome).toBeInstanceOf(StorageDamage);
      else expect(outcome).toBe('done');
    }
  });

  it('finds damage in a covered segment when it is read', async () => {
    const { disk, all } = await writeLog();
    disk.poke(segmentFile(2), 300, Buffer.from([1]));
    const { log } = await openLog(disk, { coveredIndex: 8 });
    await expect(log.read(3, 4, 10_000)).rejects.toThrow(segmentFile(2));
    expect(describeEntries(await log.read(5, 6, 10_000))).toEqual(all.slice(4, 6));
  });

  it('goes by the records when a summary is gone, damaged or of another segment', async () => {
    const { disk, all } = await writeLog();
    const spoil: ((after: CrashDisk) => Promise<void>)[] = [
      (after) => after.remove(summaryFile(2)),
      async (after) => after.poke(summaryFile(2), 50, Buffer.from([99])),
      (after) => after.rename(summaryFile(3), summaryFile(2)),
    ];
    for (const spoilIt of spoil) {
      const after = disk.restart({ type: 'kept' });
      await spoilIt(after);
      const opened = await openLog(after, { coveredIndex: 8 });
      expect(await readAll(opened)).toEqual(all);
      await opened.log.close();
      // It is there again for the next start.
      const again = decodeSummary(after.peek(summaryFile(2)), 2, owner);
      expect(again).toMatchObject({ kept: { index: 2, term: 1 }, lastIndex: 4 });
    }
  });

  it('does not believe a summary of a segment that has grown since', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await log.append(batchOf(makeEntries(1, 1, [1700])));
    await log.append(batchOf(makeEntries(2, 1, [2500])));
    await settle();
    // The start of the second segment is lost: the first one is the last again, and goes on.
    const torn = disk.restart({ type: 'kept' });
    const stale = Uint8Array.from(torn.peek(summaryFile(1)));
    torn.poke(segmentFile(2), 0, Buffer.alloc(4096));
    const second = await openLog(torn);
    expect(second.recovered.lastIndex).toBe(1);
    await second.log.append(batchOf(makeEntries(1, 2, [10]), { truncateFrom: 1 }));
    await second.log.append(batchOf(makeEntries(2, 2, [2500])));
    await settle();
    await second.log.close();
    await torn.remove(summaryFile(1));
    const file = await torn.open(summaryFile(1), 'create');
    await file.write(0, [stale]);
    const third = await openLog(torn, { coveredIndex: 2 });
    expect(third.recovered.termStarts).toEqual([{ index: 1, term: 2 }]);
  });

  it('removes summaries that belong to no full segment', async () => {
    const { disk } = await writeLog();
    for (const id of [7, 5]) {
      const file = await disk.open(summaryFile(id), 'create');
      await file.write(0, [Buffer.from('x')]);
      await file.close();
    }
    await openLog(disk);
    const names = (await disk.list(logDirectory)).filter((name) => name.endsWith('.summary'));
    expect(names.map((name) => Number(name.slice(0, 20)))).toEqual([1, 2, 3, 4]);
  });
});

describe('a summary that cannot be written', () => {
  it('for want of room costs the next start time, and nothing else', async () => {
    const disk = new CrashDisk();
    const logger = collectingLogger();
    const { log } = await newLog(disk, { logger });
    await settle();
    disk.addFault({ operation: 'write', kind: 'full', pathIncludes: 'summary' });
    for (let index = 1; index <= 4; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1700])));
      await settle();
    }
    await log.idle();
    expect(logger.warnings).toHaveLength(1);
    const names = await disk.list(logDirectory);
    expect(names.filter((name) => !name.endsWith('.segment'))).toEqual([]);
    const { recovered } = await openLog(disk.restart({ type: 'lost' }), { coveredIndex: 4 });
    expect(recovered.lastIndex).toBe(4);
  });

  it('because the disk fails is final', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await settle();
    disk.addFault({ operation: 'write', kind: 'io', pathIncludes: 'summary' });
    for (let index = 1; index <= 3; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1700])));
    }
    await settle();
    expect(await outcomeOf(log.append(batchOf(makeEntries(4, 1, [1]))))).toMatchObject({
      kind: 'io',
    });
  });
});
