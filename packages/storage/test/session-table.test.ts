import { limits } from '@d-engine/base';
import { beforeEach, describe, expect, it } from 'vitest';
import { SessionTable } from '../src/state/session-table.ts';
import { StateHash } from '../src/state-hash.ts';

const command = Buffer.from('put a');
const other = Buffer.from('put b');
let hash: StateHash;
let table: SessionTable;

beforeEach(() => {
  hash = new StateHash();
  table = new SessionTable(hash);
  table.add({ id: 7, name: '', ttlMs: 1_000, expiresAtMs: 1_000, lowestUnacknowledged: 1 });
});

function stamp(sequence: number, lowestUnacknowledged = 1) {
  return { session: 7, sequence, lowestUnacknowledged };
}

/** Applies a command that must not have been applied before. */
function apply(sequence: number, lowestUnacknowledged = 1, bytes = command): void {
  const stamped = stamp(sequence, lowestUnacknowledged);
  expect(table.admit(stamped, bytes, 0, 10)).toEqual({ type: 'apply' });
  table.finish(stamped, bytes, { type: 'put', revision: 10 });
}

describe('session table', () => {
  it('answers the same sequence again with the stored result, verbatim', () => {
    apply(1);
    expect(table.admit(stamp(1), command, 0, 99)).toEqual({
      type: 'answered',
      result: { type: 'put', revision: 10 },
    });
  });

  it('refuses another command under the same sequence', () => {
    apply(1);
    expect(table.admit(stamp(1), other, 0, 99)).toMatchObject({
      result: { type: 'refused', error: 'InvalidRequest' },
    });
  });

  it('forgets what is acknowledged, and never applies it again', () => {
    for (let sequence = 1; sequence <= 4; sequence++) apply(sequence);
    apply(5, 4);
    expect(table.resultCount).toBe(2);
    expect(table.admit(stamp(3), command, 0, 99)).toMatchObject({
      result: { type: 'refused', error: 'SessionExpired' },
    });
    apply(1_000_000_000, 1_000_000_000);
    expect(table.resultCount).toBe(1);
  });

  it('refuses an unknown session and a place that is none', () => {
    expect(table.admit({ ...stamp(1), session: 8 }, command, 0, 1)).toMatchObject({
      result: { error: 'SessionExpired' },
    });
    for (const place of [stamp(0), stamp(1, 0), stamp(3, 4)]) {
      expect(table.admit(place, command, 0, 1)).toMatchObject({
        result: { error: 'InvalidRequest' },
      });
    }
  });

  it('keeps a bounded number of results, and of bytes', () => {
    for (let sequence = 1; sequence <= limits.sessionResultsMax; sequence++) apply(sequence);
    const next = limits.sessionResultsMax + 1;
    expect(table.admit(stamp(next), command, 0, 1)).toMatchObject({
      result: { error: 'RateLimited' },
    });
    apply(next, 2);
    table.restore(7, {
      sequence: next + 1,
      digestLow: 0,
      digestHigh: 0,
      result: Buffer.alloc(limits.sessionResultBytesMax),
    });
    expect(table.admit(stamp(next + 2, next), command, 0, 1)).toMatchObject({
      result: { error: 'RateLimited' },
    });
  });

  it('is over when nobody used it for its time', () => {
    table.admit(stamp(1), command, 500, 1);
    expect(table.removeDue(1_499)).toBe(false);
    expect(table.removeDue(1_500)).toBe(true);
    expect(table.find(7)).toBeUndefined();
    expect(table.bytes).toBe(0);
  });

  it('adds nothing to the hash, and to the bytes, that does not go again', () => {
    const empty = new StateHash().digest([], '');
    const opened = hash.digest([], '');
    expect(opened).not.toBe(empty);
    apply(1);
    expect(hash.digest([], '')).not.toBe(opened);
    table.remove(7);
    expect(hash.digest([], '')).toBe(empty);
    expect(table.bytes).toBe(0);
    expect(table.resultCount).toBe(0);
  });
});
