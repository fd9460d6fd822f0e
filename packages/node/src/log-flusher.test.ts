import type { Entry } from '@d-engine/base';
import { encodeEntries, entryKinds } from '@d-engine/base';
import type { Persist } from '@d-engine/raft';
import { expect, test } from 'vitest';
import type { FlushPolicy } from './log-flusher.ts';
import { LogFlusher } from './log-flusher.ts';
import { ManualClock } from './testing/manual-clock.ts';

const batch: FlushPolicy = { kind: 'batch', threshold: 3, intervalMs: 50 };

function entry(index: number): Entry {
  const proposal = { kind: entryKinds.noop, payload: new Uint8Array(0) };
  return encodeEntries([proposal], index, 1, 0)[0] as Entry;
}

function persistOf(writeId: number, parts: Partial<Persist> = {}): Persist {
  return {
    writeId,
    hardState: undefined,
    reset: undefined,
    truncateFrom: undefined,
    entries: [entry(writeId)],
    commitIndex: writeId - 1,
    sync: 'later',
    ...parts,
  };
}

function flusherOf(policy: FlushPolicy): {
  flusher: LogFlusher;
  clock: ManualClock;
  written: () => string[];
} {
  const clock = new ManualClock();
  const writes: Persist[] = [];
  const flusher = new LogFlusher(clock, policy, (persist) => writes.push(persist));
  const written = (): string[] =>
    writes.splice(0).map(({ writeId, entries, truncateFrom, commitIndex }) => {
      const cut = truncateFrom === undefined ? '' : ` cut ${truncateFrom}`;
      return `#${writeId}${cut} [${entries.map(({ index }) => index).join()}] ${commitIndex}`;
    });
  return { flusher, clock, written };
}

test('an immediate policy holds nothing back', () => {
  const { flusher, written } = flusherOf({ kind: 'immediate' });
  flusher.add(persistOf(1));
  flusher.add(persistOf(2));
  expect(written()).toEqual(['#1 [1] 0', '#2 [2] 1']);
});

test('a batch is one write, at its threshold', () => {
  const { flusher, written } = flusherOf(batch);
  flusher.add(persistOf(1));
  flusher.add(persistOf(2));
  expect(written()).toEqual([]);
  flusher.add(persistOf(3));
  expect(written()).toEqual(['#3 [1,2,3] 2']);
});

test('the first of a batch waits no longer than the interval', () => {
  const { flusher, clock, written } = flusherOf(batch);
  flusher.add(persistOf(1));
  clock.advance(40);
  flusher.add(persistOf(2));
  clock.advance(9);
  expect(written()).toEqual([]);
  clock.advance(1);
  expect(written()).toEqual(['#2 [1,2] 1']);
});

test('what somebody waits for goes at once, with all before it', () => {
  const { flusher, clock, written } = flusherOf(batch);
  flusher.add(persistOf(1));
  flusher.add(persistOf(2, { sync: 'now' }));
  expect(written()).toEqual(['#2 [1,2] 1']);
  clock.advance(100);
  expect(written()).toEqual([]);
});

test('what removes entries, or has a hard state, is never merged behind others', () => {
  const { flusher, written } = flusherOf(batch);
  flusher.add(persistOf(1));
  flusher.add(persistOf(2, { truncateFrom: 1, entries: [entry(1)], sync: 'now' }));
  const hardState = { term: 1, votedFor: null, stickinessMs: 0 };
  flusher.add(persistOf(3));
  flusher.add(persistOf(4, { hardState, sync: 'now' }));
  expect(written()).toEqual(['#1 [1] 0', '#2 cut 1 [1] 1', '#3 [3] 2', '#4 [4] 3']);
});

test('a stop hands over what waits', () => {
  const { flusher, written } = flusherOf(batch);
  flusher.add(persistOf(1));
  flusher.flush();
  flusher.flush();
  expect(written()).toEqual(['#1 [1] 0']);
});
