import { describe, expect, test } from 'vitest';
import type { FakeCluster } from './fake-member.ts';
import { settled } from './fake-member.ts';

/** All acknowledge from memory; five entries of term 1 are committed and on every disk. */
function fromMemory(): FakeCluster {
  const cluster = settled();
  for (const member of cluster.members) member.acknowledgesFromMemory = true;
  cluster.step();
  return cluster;
}

/** The leader and node 2 hold a sixth entry in memory only. */
function sixthInMemory(): FakeCluster {
  const cluster = fromMemory();
  const [leader, second] = cluster.members;
  for (const member of [leader, second]) {
    member.log = [1, 1, 1, 1, 1, 1];
    member.verifiedIndex = 6;
    cluster.step();
  }
  leader.commitIndex = 6;
  cluster.step();
  return cluster;
}

/** The processes of these are new ones, on what their disks have. */
function crash(cluster: FakeCluster, ...positions: readonly (0 | 1 | 2)[]): void {
  for (const position of positions) {
    const member = cluster.members[position];
    member.restarts();
    member.log = member.log.slice(0, member.durableIndex);
    member.verifiedIndex = member.durableIndex;
    member.commitIndex = Math.min(member.commitIndex, member.durableIndex);
    member.isRecovering = true;
  }
  cluster.step();
}

/** Node 2 leads term 2 by the votes of these, and begins a new history if it says so. */
function electSecond(
  cluster: FakeCluster,
  voters: readonly (0 | 1 | 2)[],
  announced?: number,
): void {
  const [, second] = cluster.members;
  for (const member of cluster.members) {
    member.term = 2;
    member.role = 'follower';
    member.votedFor = null;
  }
  for (const position of voters) cluster.members[position].votesFor(2);
  cluster.step();
  if (announced !== undefined) cluster.losses.announce(2, 2, announced);
  second.role = 'leader';
  second.log = [...second.log, 2, 2];
}

describe('with MemFirst', () => {
  test('an entry counts that a quorum has in memory, also once one of them forgot it', () => {
    expect(sixthInMemory().problems()).toEqual([]);
    const cluster = fromMemory();
    const [leader, second] = cluster.members;
    for (const member of [leader, second]) member.log = [1, 1, 1, 1, 1, 1];
    cluster.step();
    crash(cluster, 1);
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual([]);
  });

  test('commit needs a durable quorum: what a recovering member holds does not count', () => {
    const cluster = fromMemory();
    const [leader, second] = cluster.members;
    crash(cluster, 1);
    leader.log = [1, 1, 1, 1, 1, 1];
    second.holds(leader.log);
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('commit needs a durable quorum: nor memory, for what says who belongs here', () => {
    const cluster = fromMemory();
    const [leader, second] = cluster.members;
    for (const member of [leader, second]) {
      member.log = [1, 1, 1, 1, 1, 1];
      member.ofMembers.add(6);
    }
    cluster.step();
    leader.commitIndex = 6;
    expect(cluster.problems()).toEqual(['commit needs a durable quorum']);
  });

  test('one vote a term: that of a recovering member makes no quorum', () => {
    const cluster = fromMemory();
    crash(cluster, 2);
    electSecond(cluster, [1, 2]);
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('one vote a term: a new history is the will of every voter', () => {
    const missing = sixthInMemory();
    crash(missing, 0, 1);
    electSecond(missing, [0, 1], 5);
    expect(missing.problems()).toEqual(['one vote a term']);
    const whole = sixthInMemory();
    crash(whole, 0, 1);
    electSecond(whole, [0, 1, 2], 5);
    expect(whole.problems()).toEqual([]);
    expect(whole.losses.all).toEqual([{ atMs: 0, historiesBefore: 0, from: 6, to: 6 }]);
  });

  test('leader completeness: what is lost was announced', () => {
    const silent = sixthInMemory();
    crash(silent, 0, 1);
    electSecond(silent, [0, 1, 2]);
    expect(silent.problems()).toContain('leader completeness');
    const other = sixthInMemory();
    crash(other, 0, 1);
    electSecond(other, [0, 1, 2], 6);
    expect(other.problems()).toEqual(['leader completeness']);
  });

  test('leader completeness: what a living voter knows to be committed is never lost', () => {
    const cluster = sixthInMemory();
    cluster.members[2].holds([1, 1, 1, 1, 1, 1]);
    cluster.members[2].commitIndex = 6;
    cluster.step();
    crash(cluster, 0, 1);
    electSecond(cluster, [0, 1, 2], 5);
    expect(cluster.problems()).toEqual(['leader completeness']);
  });

  test('but what the new leader has of it stays committed', () => {
    const cluster = sixthInMemory();
    cluster.members[1].holds([1, 1, 1, 1, 1, 1]);
    cluster.step();
    crash(cluster, 0, 1);
    electSecond(cluster, [0, 1, 2], 5);
    expect(cluster.problems()).toEqual([]);
    expect(cluster.losses.all).toEqual([{ atMs: 0, historiesBefore: 0, from: 7, to: 6 }]);
    const [, second] = cluster.members;
    second.log = [1, 1, 1, 1, 1, 2, 2];
    expect(cluster.problems()).toContain('leader append-only');
  });

  test('in the place of what was lost other entries are committed, and other states', () => {
    const cluster = sixthInMemory();
    const [leader, second, third] = cluster.members;
    leader.appliedIndex = 6;
    leader.states.set(6, 'lost');
    cluster.step();
    crash(cluster, 0, 1);
    leader.states.clear();
    electSecond(cluster, [0, 1, 2], 5);
    cluster.step();
    for (const member of [second, third]) {
      member.holds([1, 1, 1, 1, 1, 2, 2]);
      cluster.step();
    }
    second.isRecovering = false;
    for (const member of [second, third]) {
      member.commitIndex = 7;
      member.appliedIndex = 7;
      cluster.step();
    }
    expect(cluster.problems()).toEqual([]);
  });

  test('a recovered member holds all again that it acknowledged', () => {
    const cluster = sixthInMemory();
    const [, second] = cluster.members;
    crash(cluster, 1);
    second.isRecovering = false;
    expect(cluster.problems()).toEqual(['a recovered member holds all again']);
    const mended = sixthInMemory();
    crash(mended, 1);
    mended.members[1].holds([1, 1, 1, 1, 1, 1]);
    mended.members[1].isRecovering = false;
    expect(mended.problems()).toEqual([]);
  });

  test('a recovered member holds all again: one that never says that it recovers', () => {
    const cluster = sixthInMemory();
    const [, second] = cluster.members;
    second.restarts();
    second.log = second.log.slice(0, 5);
    expect(cluster.problems()).toContain('a recovered member holds all again');
  });

  test('what a member without a vote keeps of a lost history is nobody else’s', () => {
    const cluster = sixthInMemory();
    const [leader, second, third] = cluster.members;
    third.holds([1, 1, 1, 1, 1, 1]);
    third.commitIndex = 6;
    third.appliedIndex = 6;
    third.states.set(6, 'lost');
    cluster.step();
    crash(cluster, 0, 1);
    for (const member of [leader, second]) member.unbound.add(3);
    electSecond(cluster, [0, 1], 5);
    cluster.step();
    third.restarts();
    third.skipsStatesTo(0);
    cluster.step();
    third.appliedIndex = 6;
    expect(cluster.problems()).toEqual([]);
  });
});
