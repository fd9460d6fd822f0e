import { describe, expect, test } from 'vitest';
import { settled, succeed, voteForSecond } from './fake-member.ts';

describe('is seen:', () => {
  test.each([null, 3])('a vote for node 1 that is one for %s after a restart', (other) => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    if (other === null) second.votedFor = null;
    else second.votesFor(other);
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a vote for another instance of the same node after a restart', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.restarts();
    second.votedFor = { nodeId: 1, instanceId: 'wiped since' };
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a vote that changes within a life, while all that is said to be durable is', () => {
    const cluster = settled();
    cluster.members[1].votesFor(3);
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a vote that is said to be durable and is not on the platter', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.voteOnPlatter = { term: 1, votedFor: second.votedFor };
    second.term = 2;
    second.votesFor(3);
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('but not a term that a crash kept from the vote and that stands in the log', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.voteOnPlatter = { term: 1, votedFor: second.votedFor };
    second.restarts();
    second.holds([1, 1, 1, 1, 1, 2]);
    second.term = 2;
    second.votedFor = null;
    expect(cluster.problems()).toEqual([]);
    second.term = 3;
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('nor one that a snapshot of a leader brought, which took the place of its log', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.voteOnPlatter = { term: 1, votedFor: second.votedFor };
    second.restarts();
    second.holds([1, 1, 1, 1, 1, 2]);
    second.platter = [];
    second.platterFirstIndex = 7;
    second.firstLogIndex = 7;
    second.term = 2;
    second.votedFor = null;
    second.snapshots = [{ index: 6, term: 2 }];
    expect(cluster.problems()).toEqual([]);
    second.life = {};
    second.snapshots = [{ index: 6, term: 1 }];
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a second vote in a term before it is on disk', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.votesFor(3);
    second.isHardStateDurable = false;
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a leader that counts its own vote before its disk has it', () => {
    const cluster = settled();
    const [, second] = cluster.members;
    second.isHardStateDurable = false;
    voteForSecond(cluster);
    cluster.step();
    second.role = 'leader';
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a leader with the vote of a voter that is not bound, or not on that disk', () => {
    for (const doubtful of ['unbound', 'wiped'] as const) {
      const cluster = settled();
      const [, second, third] = cluster.members;
      if (doubtful === 'unbound') second.unbound.add(3);
      else third.isWiped();
      voteForSecond(cluster);
      cluster.step();
      second.role = 'leader';
      expect(cluster.problems()).toContain('one vote a term');
    }
  });

  test('but not one whose voters were only slow to write', () => {
    const cluster = settled();
    const [, second, third] = cluster.members;
    for (const member of [second, third]) {
      member.isHardStateDurable = false;
      member.term = 2;
      member.votesFor(2);
      member.leaderId = null;
    }
    cluster.step();
    for (const member of [second, third]) member.isHardStateDurable = true;
    cluster.step();
    second.role = 'leader';
    expect(cluster.problems()).toEqual([]);
  });

  test('a leader whose votes are not on the disks of a quorum', () => {
    const cluster = settled();
    const [, second, third] = cluster.members;
    voteForSecond(cluster);
    third.isHardStateDurable = false;
    cluster.step();
    second.role = 'leader';
    expect(cluster.problems()).toEqual(['one vote a term']);
  });

  test('a lease beside a newer leader that commits', () => {
    const cluster = settled();
    const [first, second, third] = cluster.members;
    first.hasLease = true;
    for (const member of [second, third]) {
      member.term = 2;
      member.votesFor(2);
      member.leaderId = null;
    }
    cluster.step();
    second.role = 'leader';
    for (const member of [second, third]) member.holds([1, 1, 1, 1, 1, 2]);
    expect(cluster.problems()).toEqual([]);
    second.commitIndex = 6;
    first.isAwake = false;
    expect(cluster.problems()).toEqual([]);
    first.isAwake = true;
    expect(cluster.problems()).toEqual(['lease needs a quorum of send times']);
  });

  test('a lease of a leader whose successor committed and leads no more', () => {
    const cluster = settled();
    const [first, second] = cluster.members;
    succeed(cluster);
    cluster.step();
    second.commitIndex = 6;
    cluster.step();
    second.role = 'follower';
    expect(cluster.problems()).toEqual([]);
    // For a single event: such a leader is looked at after each.
    first.hasLease = true;
    cluster.step();
    first.hasLease = false;
    expect(cluster.problems()).toEqual(['lease needs a quorum of send times']);
  });

  test('a lease that no quorum is bound to: others may be elected any time', () => {
    const cluster = settled();
    const [first, second, third] = cluster.members;
    first.hasLease = true;
    second.owesItsVote = false;
    expect(cluster.problems()).toEqual([]);
    third.owesItsVote = false;
    third.isAwake = false;
    expect(cluster.problems()).toEqual([]);
    third.isAwake = true;
    expect(cluster.problems()).toEqual(['lease needs a quorum of send times']);
  });

  test('but not one beside a voter that is free on another disk: nobody counts its vote', () => {
    const cluster = settled();
    const [first, second, third] = cluster.members;
    first.hasLease = true;
    second.owesItsVote = false;
    third.owesItsVote = false;
    third.isWiped();
    expect(cluster.problems()).toEqual([]);
  });

  test('a lease of a leader whose voters follow another one by now', () => {
    const cluster = settled();
    const [first, second, third] = cluster.members;
    first.hasLease = true;
    for (const member of [second, third]) {
      member.term = 2;
      member.votesFor(2);
      member.leaderId = null;
    }
    expect(cluster.problems()).toEqual([]);
    for (const member of [second, third]) member.leaderId = 2;
    expect(cluster.problems()).toEqual(['lease needs a quorum of send times']);
  });
});
