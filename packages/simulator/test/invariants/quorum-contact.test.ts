import { beforeEach, describe, expect, test } from 'vitest';
import type { FakeCluster, FakeMember } from './fake-member.ts';
import { configurationOf, elect, settled } from './fake-member.ts';

const name = 'a leader hears a quorum';
/** Two of the largest election timeouts of a fake member. */
const limitMs = 2_000;

let cluster: FakeCluster;
let leader: FakeMember;

beforeEach(() => {
  cluster = settled();
  leader = cluster.members[0];
});

function pass(ms: number): void {
  leader.monotonicMs += ms;
  if (leader.isAwake) leader.awakeMs += ms;
  cluster.step();
}

describe('a leader that no quorum answers', () => {
  test('leads for two timeouts and the time that it takes to notice, and no longer', () => {
    pass(limitMs);
    pass(50);
    expect(cluster.problems()).toEqual([]);
    pass(60);
    expect(cluster.problems()).toEqual([name]);
  });

  test('is none as long as one of two others answers', () => {
    for (let round = 1; round < 10; round++) {
      pass(1_900);
      leader.heardMs.set(2, leader.monotonicMs);
      cluster.step();
    }
    expect(cluster.problems()).toEqual([]);
    pass(2_001);
    pass(51);
    expect(cluster.problems()).toEqual([name]);
  });

  test('is one of five whom a single other answers', () => {
    leader.configuration = configurationOf([1, 2, 3, 4, 5]);
    pass(1_000);
    leader.heardMs.set(2, 1_000);
    leader.heardMs.set(3, 500);
    pass(1_490);
    pass(50);
    expect(cluster.problems()).toEqual([]);
    pass(60);
    expect(cluster.problems()).toEqual([name]);
  });

  test('is never the only voter', () => {
    leader.configuration = configurationOf([1]);
    for (let round = 0; round < 9; round++) pass(10_000);
    expect(cluster.problems()).toEqual([]);
  });

  test('in each half of a joint configuration', () => {
    leader.configuration = { ...configurationOf([1, 2]), outgoingVoters: [1, 3] };
    pass(1_000);
    leader.heardMs.set(2, 1_000);
    pass(1_001);
    pass(51);
    expect(cluster.problems()).toEqual([name]);
  });

  test('may begin anew with each term that it wins', () => {
    pass(1_900);
    elect(cluster, 0, 2);
    pass(1_900);
    elect(cluster, 0, 3);
    pass(1_900);
    expect(cluster.problems()).not.toContain(name);
  });

  test('has the time that its process stood still, and little more', () => {
    leader.isAwake = false;
    for (let round = 0; round < 9; round++) pass(10_000);
    expect(cluster.problems()).toEqual([]);
    leader.isAwake = true;
    pass(40);
    leader.isAwake = false;
    pass(10_000);
    leader.isAwake = true;
    pass(5);
    expect(cluster.problems()).toEqual([]);
    pass(10);
    expect(cluster.problems()).toEqual([name]);
  });

  test('is forgiven what was answered while its process stood still, once it is given it', () => {
    leader.isAwake = false;
    pass(10_000);
    leader.isAwake = true;
    pass(1);
    leader.heardMs.set(3, leader.monotonicMs);
    pass(1_000);
    expect(cluster.problems()).toEqual([]);
  });

  test('does nothing wrong while its machine sleeps and the clock forgets it', () => {
    leader.isAwake = false;
    pass(10_000);
    leader.monotonicMs -= 10_000;
    leader.isAwake = true;
    pass(1_000);
    expect(cluster.problems()).toEqual([]);
  });

  test('does nothing any more once it stops', () => {
    leader.isStopping = true;
    for (let round = 0; round < 9; round++) pass(10_000);
    expect(cluster.problems()).toEqual([]);
  });

  test('is wrong no more once it has stepped down', () => {
    pass(2_001);
    leader.role = 'follower';
    pass(10_000);
    expect(cluster.problems()).toEqual([]);
  });
});
