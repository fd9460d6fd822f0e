import type { Entry, NodeId } from '@d-engine/base';
import { encodeEntries, entryKinds } from '@d-engine/base';
import { expect, test } from 'vitest';
import type { Notice } from './effects.ts';
import { encodeBootstrap } from './membership-codec.ts';
import { Raft } from './raft.ts';
import { nothingRecovered } from './testing/entries.ts';
import { members } from './testing/fake-cluster.ts';

const at = { monotonicMs: 1000, wallMs: 1000 };
const list = members(2, 1);

/** The birth of a cluster of the voters 1 and 2 and the learner 3, and two entries behind it. */
function logOf(term: number): readonly Entry[] {
  const bindings = [1, 2].map((nodeId) => ({ nodeId, instanceId: `${nodeId}` }));
  const ids = { clusterId: 'c'.repeat(32), historyId: 'd'.repeat(32), formedAtWallMs: 1 };
  const payload = encodeBootstrap({ ...ids, members: list, bindings });
  const birth = encodeEntries([{ kind: entryKinds.bootstrap, payload }], 1, 1, 5);
  const noop = { kind: entryKinds.noop, payload: new Uint8Array(0) };
  return [...birth, ...encodeEntries([noop, noop], 2, term, 5)];
}

/** It knows three entries of term 1 to be committed. */
function member(nodeId: NodeId): Raft {
  const config = {
    nodeId,
    instanceId: `${nodeId}`,
    initialMembers: list,
    electionTimeoutMinMs: 100,
    electionTimeoutMaxMs: 200,
    heartbeatIntervalMs: 20,
    leaseDurationMs: 50,
    commitNoticeDelayMs: 0,
    appendEntriesMax: 10,
    bufferedEntriesMax: 10_000,
    bootCount: 1,
    strategy: 'DiskFirst' as const,
    random: () => 0,
    newId: () => '',
  };
  const recovered = {
    ...nothingRecovered,
    hardState: { term: 1, votedFor: null, stickinessMs: 0 },
    lastIndex: 3,
    termStarts: [{ index: 1, term: 1 }],
    membershipEntries: logOf(1).slice(0, 1),
    commitIndex: 3,
    everFormed: true,
  };
  return new Raft(config, recovered, at);
}

/** What the operator hears when a leader of term 2 says that another entry 3 is the one. */
function contradict(raft: Raft, leader: NodeId): readonly Notice[] {
  raft.step(
    { nodeId: leader, instanceId: `${leader}`, bootCount: 1 },
    {
      type: 'appendRequest',
      term: 2,
      leaderCommit: 3,
      token: 1,
      stickinessMs: 100,
      prevLogIndex: 1,
      prevLogTerm: 1,
      entries: logOf(2).slice(1),
    },
    at,
  );
  return raft.takeEffects().notices;
}

test('a member whose vote was not asked says which entries its cluster gave up', () => {
  const learner = member(3);
  const notices = contradict(learner, 1);
  expect(notices).toContainEqual({ type: 'historyGivenUp', index: 2 });
  expect([learner.lastLogIndex, learner.termAt(2), learner.commitIndex]).toEqual([3, 1, 3]);
});

test('it believes nobody who does not count', () => {
  expect(contradict(member(3), 7)).toEqual([]);
});

test('a voter that counts was asked: for it that is an impossible state', () => {
  expect(() => contradict(member(2), 1)).toThrow(/3 is committed/);
});
