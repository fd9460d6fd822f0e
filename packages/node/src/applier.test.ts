import type { Entry } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds, limits } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import type { Storage } from '@d-engine/storage';
import { KeyValueStateMachine } from '@d-engine/storage';
import { expect, test } from 'vitest';
import { Applier } from './applier.ts';
import type { Proposals } from './proposals.ts';
import type { Watches } from './watch/watches.ts';

function entriesOf(first: number, count: number, term: number): Entry[] {
  const payload = encodeWriteCommand({ type: 'delete', key: new Uint8Array([1]) });
  const proposals = Array.from({ length: count }, () => ({ kind: entryKinds.command, payload }));
  return encodeEntries(proposals, first, term, 0);
}

/** A log of `terms`, of which the entries from `memoryFirst` on are in memory. */
function setUp(
  terms: readonly number[],
  memoryFirst: number,
  onDisk: readonly Entry[],
  durableIndex = terms.length,
) {
  const reads: { from: number; to: number }[] = [];
  const failures: unknown[] = [];
  const settled: number[] = [];
  const verified: { index: number; applied: number }[] = [];
  const raft = {
    commitIndex: terms.length,
    memoryFirstIndex: memoryFirst,
    durableIndex,
    termAt: (index: number) => terms[index - 1],
    entries: (from: number, to: number) => {
      if (from < memoryFirst) return undefined;
      return terms
        .slice(from - 1, to)
        .map((term, position) => entriesOf(from + position, 1, term)[0]);
    },
    applied: () => undefined,
  } as unknown as Raft;
  const storage = {
    readEntries: async (from: number, to: number) => {
      reads.push({ from, to });
      return onDisk.filter((entry) => entry.index >= from && entry.index <= to);
    },
  } as unknown as Storage;
  const stateMachine = new KeyValueStateMachine({ readHistoryId: () => 'h' });
  const applier = new Applier({
    raft,
    storage,
    stateMachine,
    proposals: {
      settleApplied: (entry: Entry) => settled.push(entry.index),
    } as unknown as Proposals,
    watches: { onApplied: () => undefined } as unknown as Watches,
    onVerifyApplied: (index) => verified.push({ index, applied: stateMachine.appliedIndex }),
    onApplied: () => undefined,
    onLoaded: () => undefined,
    onFailure: (error) => failures.push(error),
  });
  return { applier, stateMachine, reads, failures, settled, verified };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await null;
}

test('applies what is committed, in order, and says when there is nothing more', () => {
  const { applier, stateMachine, settled } = setUp([1, 1, 2], 1, []);
  expect(applier.isBehind).toBe(true);
  expect(applier.applyNext()).toBe(true);
  expect(applier.applyNext()).toBe(false);
  expect(stateMachine.appliedIndex).toBe(3);
  expect(settled).toEqual([1, 2, 3]);
  expect(applier.isBehind).toBe(false);
});

// Simulator seeds 210 and 217: above what is in memory the disk may hold what was truncated since.
test('reads back only what is no longer in memory', async () => {
  const stale = [...entriesOf(1, 2, 1), ...entriesOf(3, 2, 1)];
  const { applier, stateMachine, reads } = setUp([1, 1, 2, 2], 3, stale);
  expect(applier.applyNext()).toBe(false);
  expect(applier.isBehind).toBe(false);
  // Nothing is applied past what is being read.
  expect(applier.applyNext()).toBe(false);
  await settle();
  expect(reads).toEqual([{ from: 1, to: 2 }]);
  expect(stateMachine.appliedIndex).toBe(2);
  expect(applier.applyNext()).toBe(true);
  expect(stateMachine.appliedIndex).toBe(4);
});

test('an entry of another term than the log says stops the member unapplied', async () => {
  const { applier, stateMachine, failures, settled } = setUp([2, 2], 3, entriesOf(1, 2, 1));
  applier.applyNext();
  await settle();
  expect(failures).toHaveLength(1);
  expect(stateMachine.appliedIndex).toBe(0);
  expect(settled).toEqual([]);
});

test('a batch ends with its first verify entry: the state is looked at as of there', async () => {
  const verify = { kind: entryKinds.verify, payload: new Uint8Array(0) };
  const [second] = encodeEntries([verify], 2, 1, 0) as [Entry];
  const onDisk = [...entriesOf(1, 1, 1), second, ...entriesOf(3, 2, 1)];
  const { applier, stateMachine, verified } = setUp([1, 1, 1, 1], 5, onDisk);
  applier.applyNext();
  await settle();
  expect(stateMachine.appliedIndex).toBe(2);
  expect(verified).toEqual([{ index: 2, applied: 2 }]);
  applier.applyNext();
  await settle();
  expect(stateMachine.appliedIndex).toBe(4);
  expect(verified).toHaveLength(1);
});

test('applies nothing while too much waits for its place on disk', () => {
  const { applier, stateMachine } = setUp([1, 1], 1, []);
  let pendingBytes = limits.statePendingBytesMax + 1;
  Object.defineProperty(stateMachine, 'pendingBytes', { get: () => pendingBytes });
  expect(applier.applyNext()).toBe(false);
  expect(applier.isBehind).toBe(false);
  pendingBytes = limits.statePendingBytesMax;
  expect(applier.isBehind).toBe(true);
  expect(applier.applyNext()).toBe(true);
});

test('a state on disk is told how far the log is durable, which is not how far it is', () => {
  const { applier, stateMachine } = setUp([1, 1], 1, [], 1);
  const told: number[] = [];
  stateMachine.logDurable = (index) => told.push(index);
  applier.applyNext();
  applier.tellDurable();
  expect(told).toEqual([1]);
});
