import type { Entry, LogIndex, Term, WriteId } from '@d-engine/base';
import { expect, test } from 'vitest';
import { Raft } from './raft.ts';
import { entriesOf, nothingRecovered } from './testing/entries.ts';
import { members } from './testing/fake-cluster.ts';

const at = { monotonicMs: 1000, wallMs: 1000 };

function follower(): Raft {
  const config = {
    nodeId: 2,
    instanceId: 'b',
    initialMembers: members(3),
    electionTimeoutMinMs: 100,
    electionTimeoutMaxMs: 200,
    heartbeatIntervalMs: 20,
    leaseDurationMs: 50,
    appendEntriesMax: 10,
    bufferedEntriesMax: 10_000,
    bootCount: 1,
    strategy: 'DiskFirst' as const,
    random: () => 0,
    newId: () => '',
  };
  return new Raft(config, nothingRecovered, at);
}

/** Hands an append to the member; returns the write that it leads to. */
function append(
  raft: Raft,
  leader: number,
  term: Term,
  prev: readonly [LogIndex, Term],
  entries: readonly Entry[],
): WriteId | undefined {
  raft.step(
    { nodeId: leader, instanceId: `${leader}`, bootCount: 1 },
    {
      type: 'appendRequest',
      term,
      leaderCommit: 0,
      token: 1,
      stickinessMs: 100,
      prevLogIndex: prev[0],
      prevLogTerm: prev[1],
      entries,
    },
    at,
  );
  return raft.takeEffects().persist?.writeId;
}

/** What the member acknowledges once `writeId` is durable. */
function acknowledged(raft: Raft, writeId: WriteId | undefined): LogIndex[] {
  raft.persisted(writeId ?? 0, at);
  return raft.takeEffects().messages.flatMap(({ message }) => {
    if (message.type !== 'appendResponse' || message.result.type !== 'matched') return [];
    return [message.result.matchIndex];
  });
}

test('an entry that was cut and came back is not durable by its first write', () => {
  const raft = follower();
  const first = append(raft, 1, 2, [0, 0], entriesOf(1, 5, 2));
  const second = append(raft, 3, 3, [2, 2], entriesOf(3, 1, 3));
  const third = append(raft, 1, 4, [2, 2], entriesOf(3, 3, 2));
  // The disk holds 1 to 5 now, but is about to cut them at 3 before it writes them again.
  expect(acknowledged(raft, first)).toEqual([]);
  expect(raft.durableIndex).toBe(0);
  acknowledged(raft, second);
  expect(raft.durableIndex).toBeLessThan(3);
  expect(acknowledged(raft, third)).toEqual([5]);
  expect(raft.durableIndex).toBe(5);
});
