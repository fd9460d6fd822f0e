import { InvariantViolation } from '@d-engine/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RaftLog } from './log.ts';
import { entriesOf, nothingRecovered } from './testing/entries.ts';

function logWith(...terms: readonly number[]): RaftLog {
  const log = new RaftLog(nothingRecovered);
  for (const term of terms) {
    for (const entry of entriesOf(log.lastIndex + 1, 1, term)) log.append(entry);
  }
  return log;
}

function write(log: RaftLog): { truncateFrom: number | undefined; indexes: string[] } {
  const { truncateFrom, entries } = log.takeWrite();
  return { truncateFrom, indexes: entries.map(({ index, term }) => `${index}@${term}`) };
}

describe('RaftLog', () => {
  test('compares logs by last term, then by length (section 5.4.1)', () => {
    const log = logWith(1, 1, 2);
    expect(log.isUpToDate(3, 2)).toBe(true);
    expect(log.isUpToDate(1, 3)).toBe(true);
    expect(log.isUpToDate(2, 2)).toBe(false);
    expect(log.isUpToDate(9, 1)).toBe(false);
  });

  test('hands every entry to the disk once', () => {
    const log = logWith(1, 1);
    expect(write(log)).toEqual({ truncateFrom: undefined, indexes: ['1@1', '2@1'] });
    expect(log.hasWrite).toBe(false);
    for (const entry of entriesOf(3, 1, 1)) log.append(entry);
    expect(write(log)).toEqual({ truncateFrom: undefined, indexes: ['3@1'] });
  });

  test('a truncation of what no write took stays in memory', () => {
    const log = logWith(1, 1, 1);
    expect(log.truncateFrom(2)).toBe(false);
    for (const entry of entriesOf(2, 1, 2)) log.append(entry);
    expect(write(log)).toEqual({ truncateFrom: undefined, indexes: ['1@1', '2@2'] });
  });

  test('two truncations in one batch become one', () => {
    const log = logWith(1, 1, 1, 1, 1);
    log.takeWrite();
    expect(log.truncateFrom(5)).toBe(true);
    for (const entry of entriesOf(5, 3, 2)) log.append(entry);
    expect(log.truncateFrom(6)).toBe(false);
    expect(log.truncateFrom(3)).toBe(true);
    for (const entry of entriesOf(3, 1, 3)) log.append(entry);
    expect(write(log)).toEqual({ truncateFrom: 3, indexes: ['3@3'] });
    expect(log.hasWrite).toBe(false);
  });

  test('composed writes leave the disk with the log, whatever the batches were', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ type: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
        fc.record({ type: fc.constant('truncate' as const), back: fc.integer({ min: 1, max: 5 }) }),
        fc.constant({ type: 'write' as const }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const log = logWith(1);
        let term = 1;
        let disk: string[] = [];
        const toDisk = (): void => {
          const { truncateFrom, indexes } = write(log);
          disk = [...disk.slice(0, (truncateFrom ?? disk.length + 1) - 1), ...indexes];
        };
        for (const step of list) {
          if (step.type === 'write') toDisk();
          else if (step.type === 'append') {
            for (const entry of entriesOf(log.lastIndex + 1, step.count, term)) log.append(entry);
          } else if (log.lastIndex > 0) {
            log.truncateFrom(Math.max(1, log.lastIndex + 1 - step.back));
            term += 1;
          }
        }
        toDisk();
        const expected = Array.from({ length: log.lastIndex }, (_, position) => {
          return `${position + 1}@${log.termAt(position + 1)}`;
        });
        expect(disk).toEqual(expected);
      }),
    );
  });

  test('trims the oldest entries from memory, never those that no write took', () => {
    const log = logWith(1, 1, 1, 1);
    log.trim(4, 0);
    expect(log.memoryFirstIndex).toBe(1);
    log.takeWrite();
    log.trim(2, 0);
    expect(log.memoryFirstIndex).toBe(3);
    expect(log.entries(2, 4)).toBeUndefined();
    expect(log.entries(3, 4)?.map(({ index }) => index)).toEqual([3, 4]);
    expect(log.termAt(1)).toBe(1);
    expect(log.truncateFrom(2)).toBe(true);
    expect(log.tailBytes).toBe(0);
    expect(log.entries(1, 1)).toBeUndefined();
  });

  test('a batch holds one entry at least, then what fits', () => {
    const log = new RaftLog(nothingRecovered);
    for (const entry of entriesOf(1, 5, 1, 68)) log.append(entry);
    expect(log.batch(1, 10, 10).length).toBe(1);
    expect(log.batch(1, 10, 250).length).toBe(2);
    expect(log.batch(2, 3, 9999).map(({ index }) => index)).toEqual([2, 3, 4]);
  });

  test('refuses a gap and a truncation outside', () => {
    const log = logWith(1);
    expect(() => log.append(entriesOf(3, 1, 1)[0] as never)).toThrow(InvariantViolation);
    expect(() => log.truncateFrom(2)).toThrow(InvariantViolation);
    expect(() => log.truncateFrom(0)).toThrow(InvariantViolation);
  });

  test('begins later once a snapshot has its first entries, and knows what it follows', () => {
    const log = logWith(1, 1, 2, 2, 3);
    log.takeWrite();
    log.compact(3);
    expect(log.firstIndex).toBe(4);
    expect(log.termAt(3)).toBe(2);
    expect(log.termAt(2)).toBeUndefined();
    expect(log.entries(3, 4)).toBeUndefined();
    expect(log.entries(4, 5)?.length).toBe(2);
    log.compact(2);
    expect(log.firstIndex).toBe(4);
    log.compact(5);
    expect(log).toMatchObject({ firstIndex: 6, lastIndex: 5, lastTerm: 3, tailBytes: 0 });
    expect(log.hasWrite).toBe(false);
  });

  test('is never compacted beyond what the disk was given', () => {
    expect(() => logWith(1, 1).compact(1)).toThrow(InvariantViolation);
  });

  test('begins anew behind an installed snapshot, whatever was waiting for the disk', () => {
    const log = logWith(1, 1, 1);
    log.takeWrite();
    log.truncateFrom(3);
    log.reset({ index: 9, term: 4 }, 70);
    expect(log).toMatchObject({ firstIndex: 10, lastIndex: 9, lastTerm: 4, lastClusterTimeMs: 70 });
    expect(log.termAt(8)).toBeUndefined();
    for (const entry of entriesOf(10, 2, 4)) log.append(entry);
    const { reset, truncateFrom, entries } = log.takeWrite();
    expect(reset).toEqual({ index: 9, term: 4 });
    expect(truncateFrom).toBeUndefined();
    expect(entries.map(({ index }) => index)).toEqual([10, 11]);
    expect(log.hasWrite).toBe(false);
  });

  test('a disk that begins behind a snapshot says what the first entry follows', () => {
    const log = new RaftLog({ ...nothingRecovered, firstIndex: 8, precedingTerm: 3, lastIndex: 7 });
    expect(log).toMatchObject({ firstIndex: 8, lastIndex: 7, lastTerm: 3 });
    expect(log.isUpToDate(6, 3)).toBe(false);
    expect(log.isUpToDate(7, 3)).toBe(true);
  });
});
