import { crc32 } from 'node:zlib';
import { MalformedEntry } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { segmentHeaderBytes } from '../src/segment-header.ts';
import { StorageDamage } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import {
  batchOf,
  collectingLogger,
  describeEntries,
  firstSegment,
  logDirectory,
  makeEntries,
  newLog,
  openLog,
  otherOwner,
  readAll,
  segmentFile,
} from './fixtures.ts';

const entries = [
  ...makeEntries(1, 1, [40, 3]),
  ...makeEntries(3, 1, [300]),
  ...makeEntries(4, 2, [17]),
];

/** Where each of the three records of `entries` starts, and where the last one ends. */
interface Written {
  readonly disk: CrashDisk;
  readonly ends: readonly number[];
}

async function writeLog(options: { marker: boolean }): Promise<Written> {
  const disk = new CrashDisk();
  const { log } = await newLog(disk);
  const ends: number[] = [];
  for (const batch of [entries.slice(0, 2), entries.slice(2, 3), entries.slice(3)]) {
    await log.append(batchOf(batch));
    ends.push(lengthOf(disk.peek(firstSegment)));
  }
  if (options.marker) await log.idle();
  return { disk: disk.restart({ type: 'lost' }), ends };
}

function lengthOf(bytes: Buffer): number {
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  return Math.ceil(end / 8) * 8;
}

function flip(disk: CrashDisk, path: string, bit: number): void {
  const byte = disk.peek(path)[bit >> 3] as number;
  disk.poke(path, bit >> 3, Buffer.from([byte ^ (1 << (bit & 7))]));
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'opened',
    (error: unknown) => error,
  );
}

describe('damage', () => {
  it('below the durable mark is refused, whichever bit it is', async () => {
    const { disk, ends } = await writeLog({ marker: true });
    const end = ends.at(-1) ?? 0;
    for (let bit = 0; bit < end * 8; bit += 1) {
      const damaged = disk.restart({ type: 'kept' });
      flip(damaged, firstSegment, bit);
      const failure = await failureOf(openLog(damaged));
      if (!(failure instanceof StorageDamage)) {
        throw new Error(`bit ${bit}: ${String(failure)}`);
      }
    }
  });

  it('names the file, the place and what to do', async () => {
    const { disk, ends } = await writeLog({ marker: true });
    flip(disk, firstSegment, ((ends[1] ?? 0) + 70) * 8);
    const failure = await failureOf(openLog(disk));
    expect(failure).toMatchObject({ file: firstSegment, offset: ends[1] });
    expect(String(failure)).toContain('replace the member');
  });

  it('of the last record is told from a torn tail only once it was marked', async () => {
    const { disk, ends } = await writeLog({ marker: false });
    const last = ends.at(-1) ?? 0;
    const previous = ends.at(-2) ?? 0;
    for (let byte = 0; byte < last; byte++) {
      const damaged = disk.restart({ type: 'kept' });
      flip(damaged, firstSegment, byte * 8 + (byte % 8));
      if (byte < previous) {
        await expect(openLog(damaged)).rejects.toThrow();
        continue;
      }
      const logger = collectingLogger();
      const opened = await openLog(damaged, { logger });
      expect(await readAll(opened)).toEqual(describeEntries(entries.slice(0, 3)));
      // A length that became zero is the ordinary end, with something behind it.
      expect(logger.warnings).toHaveLength(1);
    }
  });

  it('of zeros in the middle, as a lost write leaves it, is refused', async () => {
    const { disk, ends } = await writeLog({ marker: true });
    const start = ends[0] ?? 0;
    disk.poke(firstSegment, start, Buffer.alloc((ends[1] ?? 0) - start));
    await expect(openLog(disk)).rejects.toThrow(StorageDamage);
  });

  it('of a record that stands twice is refused', async () => {
    const { disk, ends } = await writeLog({ marker: true });
    const end = ends.at(-1) ?? 0;
    const marker = disk.peek(firstSegment).subarray(end, end + 64);
    disk.poke(firstSegment, end + 64, marker);
    await expect(openLog(disk)).rejects.toThrow('record 4 follows record 4');
  });

  it('behind the marker is cut and loses nothing', async () => {
    const { disk, ends } = await writeLog({ marker: true });
    const end = ends.at(-1) ?? 0;
    for (let byte = end; byte < end + 200; byte++) {
      const damaged = disk.restart({ type: 'kept' });
      flip(damaged, firstSegment, byte * 8);
      const opened = await openLog(damaged);
      expect(await readAll(opened)).toEqual(describeEntries(entries));
      await opened.log.append(batchOf(makeEntries(5, 3, [9])));
      const again = await openLog(damaged.restart({ type: 'lost' }));
      expect(again.recovered.lastIndex).toBe(5);
    }
  });

  it('of a lost write at the end of a segment is refused when a later one is in use', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await log.append(batchOf(makeEntries(1, 1, [1500])));
    const end = lengthOf(disk.peek(firstSegment));
    for (let index = 2; index <= 4; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1500])));
    }
    disk.poke(firstSegment, end, Buffer.alloc(4096 - end));
    const failure = await failureOf(openLog(disk.restart({ type: 'lost' })));
    expect(failure).toMatchObject({ file: firstSegment, offset: end });
  });

  it('of an earlier segment is refused because a later one is in use', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (let index = 1; index <= 8; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1500])));
    }
    for (const segmentId of [1, 2, 3]) {
      for (const byte of [0, 9, 30, 70, 200, 1700, 2500]) {
        const damaged = disk.restart({ type: 'lost' });
        flip(damaged, segmentFile(segmentId), byte * 8);
        await expect(openLog(damaged)).rejects.toThrow(segmentFile(segmentId));
      }
    }
  });
});

describe('a torn tail', () => {
  it('is cut wherever it is torn, and its remains never come back', async () => {
    const { disk, ends } = await writeLog({ marker: false });
    const [start = 0, end = 0] = ends.slice(-2);
    const whole = disk.peek(firstSegment);
    for (let cut = start; cut < end; cut += 8) {
      for (const keepsEnd of [false, true]) {
        const torn = disk.restart({ type: 'kept' });
        const from = keepsEnd ? start : cut;
        const to = keepsEnd ? cut + 8 : end;
        torn.poke(firstSegment, from, Buffer.alloc(to - from));
        const opened = await openLog(torn);
        const isWhole = torn.peek(firstSegment).subarray(0, end).equals(whole.subarray(0, end));
        expect(opened.recovered.lastIndex).toBe(isWhole ? 4 : 3);
        if (isWhole) continue;
        expect(lengthOf(torn.peek(firstSegment))).toBe(start);
        await opened.log.append(batchOf(makeEntries(4, 3, [1])));
        const again = await openLog(torn.restart({ type: 'lost' }));
        expect(again.recovered).toMatchObject({ lastIndex: 4, termStarts: [{}, { term: 3 }] });
      }
    }
  });
});

describe('remains of a large write', () => {
  it('are found and cleared behind megabytes of zeros', async () => {
    const segmentBytes = 8 * 1024 * 1024;
    const disk = new CrashDisk();
    const { log } = await newLog(disk, { segmentBytes });
    await log.append(batchOf(makeEntries(1, 1, [10])));
    disk.poke(firstSegment, 5_000_000, Buffer.from('remains'));
    const { recovered } = await openLog(disk, { segmentBytes });
    expect(recovered.lastIndex).toBe(1);
    expect(lengthOf(disk.peek(firstSegment))).toBeLessThan(1000);
  });
});

describe('the torn start of a segment', () => {
  it('is cleared, so that a later record of it is never taken for a new one', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const entry = (index: number): ReturnType<typeof makeEntries> => makeEntries(index, 1, [400]);
    await Promise.all([
      log.append(batchOf(makeEntries(1, 1, [3800]))),
      // Two records of one write, the first of a new segment.
      log.append(batchOf(entry(2))),
      log.append(batchOf(entry(3), { truncateFrom: 3 })),
    ]);
    const path = segmentFile(2);
    const secondRecord = 64 + 64 + 32 + 400;
    expect(disk.peek(path).readUInt32LE(secondRecord)).toBe(64 + 32 + 400);
    const torn = disk.restart({ type: 'lost' });
    torn.poke(path, 0, Buffer.alloc(secondRecord));
    const opened = await openLog(torn);
    expect(opened.recovered.lastIndex).toBe(1);
    expect(torn.peek(path).every((byte) => byte === 0)).toBe(true);
    await opened.log.append(batchOf(entry(2)));
    const again = await openLog(torn.restart({ type: 'lost' }));
    expect(again.recovered.lastIndex).toBe(2);
  });
});

describe('files', () => {
  it('of another data directory are refused', async () => {
    const { disk } = await writeLog({ marker: true });
    await expect(openLog(disk, { owner: otherOwner })).rejects.toThrow('another data directory');
  });

  it('that are missing are refused', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (let index = 1; index <= 6; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1500])));
    }
    const damaged = disk.restart({ type: 'lost' });
    await damaged.remove(segmentFile(2));
    const failure = await failureOf(openLog(damaged));
    expect(failure).toMatchObject({ file: segmentFile(2), name: 'StorageDamage' });
  });

  it('that are missing at the beginning are told to whoever knows the snapshots', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (let index = 1; index <= 6; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1500])));
    }
    const damaged = disk.restart({ type: 'lost' });
    await damaged.remove(segmentFile(1));
    const { recovered } = await openLog(damaged);
    expect(recovered).toMatchObject({ firstIndex: 3, precedingTerm: 1, lastIndex: 6 });
  });

  it('that are all missing but for one that was not in use yet are refused', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    await log.append(batchOf(makeEntries(1, 1, [1500])));
    await log.close();
    await disk.remove(segmentFile(1));
    const failure = await failureOf(openLog(disk));
    expect(failure).toMatchObject({ file: segmentFile(1), name: 'StorageDamage' });
  });

  it('that got shorter or longer are refused', async () => {
    const { disk } = await writeLog({ marker: true });
    for (const length of [4088, 4104, 700, 10]) {
      const damaged = disk.restart({ type: 'kept' });
      const file = await damaged.open(firstSegment, 'readWrite');
      await file.truncate(length);
      const failure = await failureOf(openLog(damaged));
      expect(failure).toMatchObject({ name: 'StorageDamage' });
    }
  });

  it('under another name are refused', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    for (let index = 1; index <= 6; index++) {
      await log.append(batchOf(makeEntries(index, 1, [1500])));
    }
    const damaged = disk.restart({ type: 'lost' });
    await damaged.rename(segmentFile(2), segmentFile(9));
    await damaged.rename(segmentFile(3), segmentFile(2));
    await damaged.rename(segmentFile(9), segmentFile(3));
    await expect(openLog(damaged)).rejects.toThrow(StorageDamage);
  });

  it('of another format version are refused and left alone', async () => {
    const { disk } = await writeLog({ marker: true });
    const header = Buffer.from(disk.peek(firstSegment).subarray(0, segmentHeaderBytes));
    header.writeUInt32LE(7, 8);
    header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
    disk.poke(firstSegment, 0, header);
    const before = disk.peek(firstSegment);
    await expect(openLog(disk)).rejects.toThrow('format version 7');
    expect(disk.peek(firstSegment).equals(before)).toBe(true);
  });

  it('half made are removed, prepared ones used, those of another size made anew', async () => {
    const { disk } = await writeLog({ marker: true });
    const leftover = await disk.open(`${segmentFile(2)}.tmp`, 'create');
    await leftover.writeAndSync(0, [Buffer.from('half')]);
    const { log } = await openLog(disk);
    await log.close();
    expect(await disk.list(logDirectory)).toEqual([1, 2].map((id) => segmentFile(id).slice(10)));
    const other = await openLog(disk, { segmentBytes: 8192 });
    await other.log.close();
    expect(disk.peek(segmentFile(2)).length).toBe(8192);
    const { create } = disk.counts;
    const same = await openLog(disk, { segmentBytes: 8192 });
    await same.log.close();
    expect(disk.counts.create).toBe(create);
  });
});

describe('entries of a newer release', () => {
  it('are refused, not skipped', async () => {
    const disk = new CrashDisk();
    const { log } = await newLog(disk);
    const [entry] = makeEntries(1, 1, [10]);
    if (entry === undefined) throw new Error('no entry');
    entry.encoded[5] = 99;
    await log.append(batchOf([entry]));
    await expect(openLog(disk.restart({ type: 'lost' }))).rejects.toThrow(MalformedEntry);
  });
});
