import type { Configuration, PeerProgress } from '@d-engine/raft';
import { configurationOf } from '@d-engine/raft';
import { describe, expect, test } from 'vitest';
import { whomToPromote } from './auto-promotion.ts';
import { SilentMembers } from './silent-members.ts';

function cluster(voters: number, learners: number): Configuration {
  const members = Array.from({ length: voters + learners }, (_, position) => ({
    id: position + 1,
    address: `n${position + 1}:1`,
    role: position < voters ? ('voter' as const) : ('learner' as const),
    promotable: position >= voters,
  }));
  return configurationOf(members);
}

function peer(nodeId: number, changes: Partial<PeerProgress> = {}): PeerProgress {
  return {
    nodeId,
    matchIndex: 100,
    nextIndex: 101,
    state: 'replicate',
    snapshotIndex: 0,
    inflightMessages: 0,
    lastContactMs: 0,
    bound: true,
    caughtUp: true,
    leaving: false,
    ...changes,
  };
}

describe('whom a leader promotes by itself', () => {
  test.each([
    [1, [2], []],
    [1, [2, 3], [2, 3]],
    [3, [4], []],
    [3, [4, 5], [4, 5]],
    [2, [3], [3]],
    [2, [3, 4], [3]],
  ])(
    'of %i voters and learners %j: %j, so that the voters stay odd',
    (voters, learners, chosen) => {
      const peers = learners.map((id) => peer(id));
      expect(whomToPromote(cluster(voters, learners.length), peers, 100, 1)).toEqual(chosen);
    },
  );

  test('only learners that may vote, keep up and lack little', () => {
    const peers = [peer(3, { caughtUp: false }), peer(4, { matchIndex: 90 })];
    expect(whomToPromote(cluster(2, 2), peers, 100, 9)).toEqual([]);
    expect(whomToPromote(cluster(2, 2), peers, 100, 10)).toEqual([4]);
    const { members, ...rest } = cluster(2, 1);
    const readOnly = members.map((member) => ({ ...member, promotable: false }));
    expect(whomToPromote({ ...rest, members: readOnly }, [peer(3)], 100, 10)).toEqual([]);
    const joint = { ...cluster(2, 1), outgoingVoters: [1] };
    expect(whomToPromote(joint, [peer(3)], 100, 10)).toEqual([]);
  });
});

test('a member that is silent look after look is told once, until it was heard again', () => {
  const silent = new SilentMembers();
  const look = (lastContactMs: number | undefined, nowMs: number): readonly number[] =>
    silent.look([peer(2, { lastContactMs })], nowMs, 100, 3);
  expect([look(0, 101), look(0, 200), look(0, 300), look(0, 400)]).toEqual([[], [], [2], []]);
  expect(look(400, 450)).toEqual([]);
  expect([look(undefined, 600), look(undefined, 700), look(undefined, 800)]).toEqual([[], [], [2]]);
});
