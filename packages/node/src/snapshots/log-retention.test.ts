import { limits } from '@d-engine/base';
import type { PeerProgress } from '@d-engine/raft';
import { expect, test } from 'vitest';
import { purgeLimit } from './log-retention.ts';

function peer(state: PeerProgress['state'], matchIndex: number, snapshotIndex = 0): PeerProgress {
  const nextIndex = matchIndex + 1;
  const rest = { nodeId: 2, inflightMessages: 0, lastContactMs: 0, bound: true };
  const member = { caughtUp: false, leaving: false };
  return { ...rest, ...member, state, matchIndex, nextIndex, snapshotIndex };
}

test('so many entries stay behind a snapshot, whoever needs them', () => {
  expect(purgeLimit({ snapshotIndex: 100, retained: 10, peers: [] })).toBe(90);
  expect(purgeLimit({ snapshotIndex: 5, retained: 10, peers: [] })).toBe(0);
});

test('what a peer that follows the log lacks stays as well, within a bound', () => {
  const peers = [peer('replicate', 40), peer('replicate', 95)];
  expect(purgeLimit({ snapshotIndex: 100, retained: 1, peers })).toBe(40);
  const snapshotIndex = limits.laggingPeerEntriesMax + 1_000;
  expect(purgeLimit({ snapshotIndex, retained: 1, peers })).toBe(1_000);
});

test('who is being sent a snapshot finds the log behind it; who probes holds up nothing', () => {
  const peers = [peer('snapshot', 0, 70), peer('snapshot', 0), peer('probe', 3)];
  expect(purgeLimit({ snapshotIndex: 100, retained: 1, peers })).toBe(70);
});
