import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { LogReport, LogReportOptions } from '../src/log-report.ts';
import { reportLog } from '../src/log-report.ts';
import { recordHeaderBytes } from '../src/record-header.ts';
import { replaceFile } from '../src/replace-file.ts';
import { decodeSummary, encodeSummary } from '../src/segment-summary.ts';
import { StorageDamage, UnsupportedFormat } from '../src/storage-errors.ts';
import { CrashDisk } from './crash-disk.ts';
import { makeEntries, owner } from './fixtures.ts';
import { dataDirectory, openTestStorage, writeOf } from './storage-fixtures.ts';

function pathOf(segmentId: number, kind: 'segment' | 'summary'): string {
  return `${dataDirectory}/log/${String(segmentId).padStart(20, '0')}.${kind}`;
}

/** Nine entries over several segments, of two terms, stopped in good order. */
async function writtenDisk(): Promise<CrashDisk> {
  const disk = new CrashDisk();
  const storage = await openTestStorage(disk);
  for (let index = 1; index <= 9; index++) {
    const term = index < 5 ? 1 : 2;
    const entries = makeEntries(index, term, [1000]);
    await storage.write(writeOf({ writeId: index, entries, commitIndex: index - 1 }));
  }
  await storage.close();
  return disk;
}

function report(disk: CrashDisk, read: LogReportOptions['read'] = 'everything') {
  return reportLog({ disk, directory: dataDirectory, read });
}

async function soundReport(disk: CrashDisk, read?: LogReportOptions['read']): Promise<LogReport> {
  const found = await report(disk, read);
  if (found === undefined) throw new Error('no log');
  return found;
}

function flip(disk: CrashDisk, path: string, byte: number): void {
  const before = disk.peek(path)[byte] ?? 0;
  disk.poke(path, byte, Buffer.from([before ^ 4]));
}

describe('a report of a whole log', () => {
  it.each(['summaries', 'everything'] as const)('says what it holds, from %s', async (read) => {
    const found = await soundReport(await writtenDisk(), read);
    expect(found).toMatchObject({
      identity: { nodeId: 1, instanceId: owner, bootCount: 1 },
      follows: { index: 0, term: 0 },
      lastIndex: 9,
      commitIndex: 8,
      termStarts: [
        { index: 1, term: 1 },
        { index: 5, term: 2 },
      ],
      unfinished: { bytes: 0 },
    });
    const held = found.files.flatMap(({ from, to }) => (from > to ? [] : [from, to]));
    expect(found.files.length).toBeGreaterThan(2);
    expect(held.at(0)).toBe(1);
    expect(held.at(-1)).toBe(9);
  });

  it('changes nothing on the disk', async () => {
    const disk = await writtenDisk();
    const before = { ...disk.counts };
    await report(disk, 'summaries');
    await report(disk, 'everything');
    expect(disk.counts).toEqual(before);
  });

  it('tells of a write that was cut short, and leaves it there', async () => {
    const disk = await writtenDisk();
    const last = (await soundReport(disk)).files.at(-1);
    disk.poke(last?.file ?? '', last?.usedBytes ?? 0, Buffer.from('remains'));
    const { unfinished, lastIndex } = await soundReport(disk);
    expect(unfinished).toEqual({ file: last?.file, offset: last?.usedBytes, bytes: 7 });
    expect(lastIndex).toBe(9);
    expect(disk.peek(last?.file ?? '').includes('remains')).toBe(true);
  });
});

describe('damage', () => {
  it('is found whichever byte of a record in use it is, with file and place', async () => {
    const disk = await writtenDisk();
    const { files } = await soundReport(disk);
    let flips = 0;
    for (const [position, { file, usedBytes }] of files.entries()) {
      // The last record of all only says that those before it were durable, and holds no entry.
      const end = position === files.length - 1 ? usedBytes - recordHeaderBytes : usedBytes;
      for (let byte = 0; byte < end; byte += 37) {
        flip(disk, file, byte);
        const failure: unknown = await report(disk).catch((error: unknown) => error);
        if (!(failure instanceof StorageDamage))
          throw new Error(`${file} ${byte}: ${String(failure)}`);
        expect(failure.file).toBe(file);
        expect(failure.offset).toBeLessThanOrEqual(byte);
        expect(failure.advice).not.toBe('');
        flip(disk, file, byte);
        flips += 1;
      }
    }
    expect(flips).toBeGreaterThan(200);
  });

  it('of a summary that says something else than its records is found', async () => {
    const disk = await writtenDisk();
    const path = pathOf(1, 'summary');
    const summary = decodeSummary(disk.peek(path), 1, owner);
    if (summary === undefined) throw new Error('no summary');
    await replaceFile(disk, path, encodeSummary({ ...summary, commitIndex: 0 }, owner));
    await expect(report(disk)).rejects.toMatchObject({ file: path, offset: 0 });
    // One that fails its checksum is none: the next start reads the records instead.
    await replaceFile(disk, path, Buffer.alloc(200, 1));
    await expect(report(disk)).resolves.toBeDefined();
  });

  it('of identity.json, and a log without one, are found', async () => {
    const path = `${dataDirectory}/identity.json`;
    const damaged = await writtenDisk();
    flip(damaged, path, 20);
    await expect(report(damaged)).rejects.toMatchObject({ file: path });
    const disk = await writtenDisk();
    await disk.remove(path);
    await expect(report(disk)).rejects.toMatchObject({ file: path });
  });

  it('of a missing file is found', async () => {
    const disk = await writtenDisk();
    await disk.remove(pathOf(2, 'segment'));
    await expect(report(disk)).rejects.toMatchObject({ file: pathOf(2, 'segment') });
  });
});

describe('what is no damage', () => {
  it('is a directory that was never in use, and one that is not there', async () => {
    const disk = new CrashDisk();
    await disk.makeDirectory(dataDirectory);
    expect(await report(disk)).toBeUndefined();
    await disk.makeDirectory('/elsewhere');
    const missing = reportLog({ disk, directory: '/nowhere', read: 'everything' });
    await expect(missing).rejects.toMatchObject({ kind: 'notFound' });
  });

  it('is the file of a newer release', async () => {
    const disk = await writtenDisk();
    const header = Buffer.from(disk.peek(pathOf(1, 'segment')).subarray(0, 64));
    header.writeUInt32LE(7, 8);
    header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
    disk.poke(pathOf(1, 'segment'), 0, header);
    await expect(report(disk)).rejects.toThrow(UnsupportedFormat);
  });
});
