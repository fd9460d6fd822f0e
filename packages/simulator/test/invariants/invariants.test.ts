import { describe, expect, test } from 'vitest';
import { hasQuorum, overlap, quorumValue } from '../../src/invariants/quorums.ts';
import {
  configurationOf,
  elect,
  FakeCluster,
  settled,
  succeed,
  voteForSecond,
} from './fake-member.ts';

test('a healthy story breaks nothing', () => {
  const cluster = settled();
  elect(cluster, 1, 2);
  const [first, second, third] = cluster.members;
  second.holds([1, 1, 1, 1, 1, 2]);
  cluster.step();
  third.holds(second.log);
  cluster.step();
  second.commitIndex = 6;
  cluster.step();
  first.restarts();
  expect(cluster.problems()).toEqual([]);
});

describe('is seen:', () => {
  test('election safety: a second leader in the term of the first', () => {
    const cluster = settled();
    cluster.members[1].role = 'leader';
    expect(cluster.problems()).toContain('election safety');
  });

  test('leader append-only: a leader that shortens its log', () => {
    const cluster = settled();
    cluster.members[0].holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    cluster.members[0].holds([1, 1, 1, 1, 1]);
    expect(cluster.problems()).toEqual(['leader append-only']);
  });

  test('leader append-only: a leader that overwrites its log and adds to it', () => {
    const cluster = new FakeCluster();
    cluster.members[0].log = [1, 1];
    cluster.step();
    cluster.members[0].term = 1;
    cluster.members[0].log = [1, 0, 1];
    expect(cluster.problems()).toContain('leader append-only');
  });

  test('log matching: the same entry after different ones', () => {
    const cluster = new FakeCluster();
    cluster.members[1].log = [1, 1, 3];
    cluster.members[2].log = [1, 2, 3];
    expect(cluster.problems()).toEqual(['log matching']);
  });

  test('log matching: a term that falls along the log', () => {
    const cluster = new FakeCluster();
    cluster.members[1].log = [2, 1];
    expect(cluster.problems()).toEqual(['log matching']);
  });

  test('log matching: one entry with other bytes', () => {
    const cluster = new FakeCluster();
    cluster.members[1].log = [1, 1];
    cluster.members[2].log = [1, 1];
    cluster.members[2].oddBytes.add(2);
    expect(cluster.problems()).toEqual(['log matching']);
  });

  test('log matching: other bytes than those of a member that had to read its own first', () => {
    const cluster = new FakeCluster();
    const [leader, second, third] = cluster.members;
    leader.hasBytes = false;
    leader.log = [1, 1];
    cluster.step();
    second.log = [1, 1];
    expect(cluster.problems()).toEqual([]);
    third.log = [1, 1];
    third.oddBytes.add(1);
    expect(cluster.problems()).toEqual(['log matching']);
  });

  test('leader completeness: a leader without a committed entry', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.log = [1, 1, 1];
    second.commitIndex = 3;
    cluster.step();
    elect(cluster, 1, 2);
    expect(cluster.problems()).toContain('leader completeness');
  });

  test('but a leader elected late owes nothing to one of a newer term', () => {
    const cluster = new FakeCluster();
    const [first, second, third] = cluster.members;
    for (const member of [second, third]) {
      member.term = 3;
      member.votesFor(2);
    }
    cluster.step();
    second.role = 'leader';
    for (const member of [second, third]) member.holds([3]);
    cluster.step();
    second.commitIndex = 1;
    cluster.step();
    first.term = 2;
    first.votesFor(1);
    first.role = 'leader';
    expect(cluster.problems()).not.toContain('leader completeness');
  });

  test('state machine safety: two states at one index', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.states.set(5, 'other');
    second.appliedIndex = 5;
    expect(cluster.problems()).toEqual(['state machine safety']);
  });

  test('state machine safety: another state in the middle of a batch, right at its end', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.states.set(3, 'other');
    second.appliedIndex = 5;
    expect(cluster.problems()).toEqual(['state machine safety']);
    expect(cluster.invariants.violations[0]?.text).toBe('nodes 1 and 2 differ at index 3');
  });

  test('state machine safety: nobody applied what is before it', () => {
    const cluster = new FakeCluster();
    const [leader] = cluster.members;
    leader.holds([1, 1]);
    leader.commitIndex = 2;
    leader.skipsStatesTo(1);
    leader.appliedIndex = 2;
    expect(cluster.problems()).toContain('state machine safety');
  });

  test('a state that nobody saw is no proof of state machine safety', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.skipsStatesTo(5);
    second.appliedIndex = 5;
    expect(() => cluster.step()).toThrow('node 2 was not seen to apply 5');
  });

  test('state machine safety: an entry applied before it is committed', () => {
    const cluster = settled();
    const [leader] = cluster.members;
    leader.holds([1, 1, 1, 1, 1, 1]);
    leader.appliedIndex = 6;
    expect(cluster.problems()).toEqual(['state machine safety']);
  });

  test('a commit that is durable on the leader alone', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    leader.holds([1, 1, 1, 1, 1, 1]);
    second.log = [1, 1, 1, 1, 1, 1];
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('a commit that counts the leader before its own disk has the entry', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    leader.log = [1, 1, 1, 1, 1, 1];
    second.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('a commit that counts a member with another entry in that place', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    second.holds([1, 1, 1, 1, 1, 1]);
    elect(cluster, 0, 2);
    cluster.step();
    leader.holds([1, 1, 1, 1, 1, 2]);
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('a commit of an old term by counting (Raft paper, figure 8)', () => {
    const cluster = settled();
    const [leader, second, third] = cluster.members;
    for (const member of [leader, second, third]) member.holds([1, 1, 1, 1, 1, 1]);
    elect(cluster, 0, 2);
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('a commit that counts a voter that is not bound', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    for (const member of [leader, second]) member.holds([1, 1, 1, 1, 1, 1]);
    leader.unbound.add(2);
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('a commit that counts a voter on another disk than the one that is bound', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    second.isWiped();
    for (const member of [leader, second]) member.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('but not a member that starts anew on an empty disk', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.isWiped();
    expect(cluster.problems()).toEqual([]);
    second.votesFor(3);
    second.holds([1, 1]);
    expect(cluster.problems()).toEqual([]);
  });

  test('a follower that knows more to be committed than any leader committed', () => {
    const cluster = settled();
    const [leader, second, third] = cluster.members;
    for (const member of [leader, second, third]) member.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    second.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('the same of a member that just started', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    second.restarts();
    second.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('a leader that commits on no quorum in the step in which it is elected', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    voteForSecond(cluster);
    cluster.step();
    second.role = 'leader';
    second.holds([1, 1, 1, 1, 1, 2]);
    second.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('but not a leader that counts a quorum and steps down in one step', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    for (const member of [leader, second]) member.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    leader.commitIndex = 6;
    leader.role = 'follower';
    leader.term = 2;
    leader.votedFor = null;
    leader.verifiedIndex = 0;
    expect(cluster.problems()).toEqual([]);
  });

  test('a leader that steps down and takes over a commit index that it did not verify', () => {
    const cluster = settled();
    const [leader, second] = cluster.members;
    leader.log = [1, 1, 1, 1, 1, 2];
    succeed(cluster);
    cluster.step();
    second.commitIndex = 6;
    cluster.step();
    leader.role = 'follower';
    leader.term = 2;
    leader.votedFor = null;
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['heartbeat commits what is verified']);
  });

  test('an entry that is said to be durable and is only in the cache of the disk', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.holds([1, 1, 1, 1, 1, 1]);
    second.platter = [1, 1, 1, 1, 1];
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('an entry that is said to be durable while its place on disk holds an older one', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.log = [1, 1, 1, 1, 1, 1];
    cluster.step();
    second.holds([1, 1, 1, 1, 1, 2]);
    second.platter = [1, 1, 1, 1, 1, 1];
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('the same where nobody has the bytes in memory to compare', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.hasBytes = false;
    second.holds([1, 1, 1, 1, 1, 2]);
    second.platter = [1, 1, 1, 1, 1, 1];
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('an old claim that is taken for one about the entry in the place of the old one', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    second.log = [1, 1, 1, 1, 1, 2];
    second.platter = [1, 1, 1, 1, 1, 1];
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('an entry that got to the disk with other bytes', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.holds([1, 1, 1, 1, 1, 1]);
    second.oddBytesOnPlatter.add(6);
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('a member that starts with a log that its disk does not have', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.platter = [1, 1, 1];
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('an entry that was durable and is gone after a restart', () => {
    const cluster = settled();
    const [, , third] = cluster.members;
    third.holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    third.restarts();
    third.holds([1, 1, 1, 1, 1]);
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('but not one that a new leader removed, or that was never durable', () => {
    const cluster = settled();
    const [, second, third] = cluster.members;
    third.holds([1, 1, 1, 1, 1, 1]);
    second.log = [1, 1, 1, 1, 1, 1];
    cluster.step();
    third.restarts();
    third.leaderId = 1;
    third.holds([1, 1, 1, 1, 1]);
    second.restarts();
    second.log = [1, 1, 1, 1, 1];
    expect(cluster.problems()).toEqual([]);
  });

  test('bytes behind the end of the log of a member that just started', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.bytesBehindLog = 'the last file at 700';
    // While it runs, they are those of a write under way.
    expect(cluster.problems()).toEqual([]);
    second.restarts();
    expect(cluster.problems()).toEqual(['a torn tail is cut']);
  });

  test('a log that begins behind a snapshot which is not on the platter', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.firstLogIndex = 4;
    second.snapshots = [{ index: 2, term: 1 }];
    expect(cluster.problems()).toEqual(['the log is cut behind a snapshot']);
  });

  test('but not one that begins behind a durable one', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.firstLogIndex = 4;
    second.snapshots = [2, 3].map((index) => ({ index, term: 1 }));
    expect(cluster.problems()).toEqual([]);
  });

  test('an install that counts as durable while the old log is on the platter', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.platter = [1, 1];
    second.snapshots = [{ index: 5, term: 1 }];
    second.firstLogIndex = 6;
    expect(cluster.problems()).toEqual(['durable survives a crash']);
  });

  test('but not one whose log begins anew on the platter', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.platter = [];
    second.platterFirstIndex = 6;
    second.snapshots = [{ index: 5, term: 1 }];
    second.firstLogIndex = 6;
    expect(cluster.problems()).toEqual([]);
  });

  test('an entry behind the end of the log of a member that just started', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.platter = [1, 1, 1, 1, 1, 1];
    second.restarts();
    expect(cluster.problems()).toEqual(['a torn tail is cut']);
  });

  test('a committed entry that another member has differently', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.log = [1, 1, 1, 1, 2];
    expect(cluster.problems()).toContain('committed is never undone');
  });

  test('a commit index beyond the last entry', () => {
    const cluster = settled();
    cluster.members[0].commitIndex = 6;
    expect(cluster.problems()).toContain('committed is never undone');
  });

  test('a member that truncates what it knows to be committed', () => {
    const cluster = settled();
    cluster.members[2].log = [1, 1, 1, 1, 3];
    expect(cluster.problems()).toContain('committed is never undone');
  });

  test.each(['term', 'commitIndex', 'appliedIndex'] as const)('a falling %s', (field) => {
    const cluster = settled();
    cluster.members[1][field] -= 1;
    expect(cluster.problems()).toContain('monotonic indexes');
  });

  test('a term that was told and forgotten by a restart', () => {
    const cluster = settled();
    cluster.members[1].term = 4;
    cluster.step();
    cluster.members[1].restarts();
    cluster.members[1].term = 3;
    expect(cluster.problems()).toEqual(['monotonic indexes']);
  });

  test('configurations that could decide apart from one another', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.configuration = configurationOf([4, 5]);
    second.holds([1, 1, 1, 1, 1, 1]);
    expect(cluster.problems()).toEqual(['configuration overlap']);
  });

  test('a commit of what was not verified', () => {
    const cluster = settled();
    const [leader, second, third] = cluster.members;
    for (const member of [leader, second]) member.holds([1, 1, 1, 1, 1, 1]);
    third.log = [1, 1, 1, 1, 1, 1];
    cluster.step();
    leader.commitIndex = 6;
    third.commitIndex = 6;
    expect(cluster.problems()).toEqual(['heartbeat commits what is verified']);
  });
});

describe('quorums, counted apart from the code under test', () => {
  test('of a joint configuration need both halves', () => {
    const joint = { voters: [1, 2, 3], outgoingVoters: [3, 4, 5] };
    expect(hasQuorum(joint, (id) => id <= 3)).toBe(false);
    expect(hasQuorum(joint, (id) => id >= 2)).toBe(true);
    expect(hasQuorum({ voters: [1, 2, 3, 4], outgoingVoters: [] }, (id) => id <= 2)).toBe(false);
  });

  test('all reach what the slowest one of the fastest quorum reaches', () => {
    const values = new Map([1, 2, 3, 4, 5].map((id) => [id, id * 10]));
    const reachedBy = (id: number): number => values.get(id) ?? 0;
    expect(quorumValue(configurationOf([1, 2, 3, 4, 5]), reachedBy)).toBe(30);
    expect(quorumValue(configurationOf([1, 2, 3, 4]), reachedBy)).toBe(20);
    const joint = { voters: [3, 4, 5], outgoingVoters: [1, 2, 5] };
    expect(quorumValue(joint, reachedBy)).toBe(20);
  });

  test('overlap when one member came or went, or a half is shared', () => {
    const plain = (voters: number[]) => ({ voters, outgoingVoters: [] });
    expect(overlap(plain([1, 2, 3]), plain([1, 2, 3, 4]))).toBe(true);
    expect(overlap(plain([1, 2, 3]), plain([1, 2, 3, 4, 5]))).toBe(false);
    expect(overlap(plain([1, 2, 3]), { voters: [4, 5], outgoingVoters: [1, 2, 3] })).toBe(true);
  });
});
