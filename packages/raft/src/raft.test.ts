import { describe, expect, test } from 'vitest';
import type { Raft } from './raft.ts';
import type { Flying } from './testing/fake-cluster.ts';
import { electionTimeoutMaxMs, FakeCluster, members } from './testing/fake-cluster.ts';
import { seededRandom } from './testing/seeded-random.ts';

function formed(voters: number, learners = 0, bufferedEntriesMax = 10_000): FakeCluster {
  const cluster = new FakeCluster(members(voters, learners), seededRandom(7));
  cluster.bufferedEntriesMax = bufferedEntriesMax;
  cluster.startAll();
  cluster.run(3 * electionTimeoutMaxMs);
  return cluster;
}

function leading(cluster: FakeCluster): { id: number; raft: Raft } {
  const node = cluster.nodes.find(({ raft }) => raft?.role === 'leader');
  if (node?.raft === undefined) throw new Error('nobody leads');
  return { id: node.id, raft: node.raft };
}

describe('three members', () => {
  test('form a cluster, elect one leader and agree on its log', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    expect(raft.clusterId).toBeDefined();
    expect(raft.bindings.map(({ nodeId }) => nodeId).sort((one, two) => one - two)).toEqual([
      1, 2, 3,
    ]);
    expect(cluster.propose(id, 'x')).toMatchObject({ accepted: true, term: raft.term });
    cluster.run(20);
    for (const node of cluster.nodes) {
      expect(node.raft?.commitIndex).toBe(raft.lastLogIndex);
      expect(node.raft?.leaderId).toBe(id);
      expect(node.raft?.clusterId).toBe(raft.clusterId);
    }
  });

  test('a follower refuses proposals and names the leader', () => {
    const cluster = formed(3);
    const { id } = leading(cluster);
    const follower = (id % 3) + 1;
    const refused = { accepted: false, reason: 'notLeader', leaderId: id };
    expect(cluster.propose(follower, 'x')).toEqual(refused);
  });

  test('a member that may not lead steps down, votes on, and campaigns again when it may', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    raft.setMayLead(false, 'its state is not to be trusted', cluster.at);
    cluster.run(10 * electionTimeoutMaxMs);
    const next = leading(cluster);
    expect(next.id).not.toBe(id);
    // With the third away its acknowledgement and its vote are needed.
    const third = 6 - id - next.id;
    cluster.crash(third);
    cluster.propose(next.id, 'x');
    cluster.run(electionTimeoutMaxMs);
    expect(next.raft.commitIndex).toBe(next.raft.lastLogIndex);
    cluster.crash(next.id);
    cluster.start(third);
    cluster.run(10 * electionTimeoutMaxMs);
    expect(raft.role).toBe('follower');
    raft.setMayLead(true, '', cluster.at);
    cluster.run(10 * electionTimeoutMaxMs);
    expect(leading(cluster).id).toBe(id);
  });

  test('a vote of an older campaign does not count in a newer one', () => {
    const cluster = formed(3);
    const { id } = leading(cluster);
    cluster.crash(id);
    cluster.loses = ({ message }) => message.type === 'voteResponse' && !message.preVote;
    const others = cluster.nodes.filter((node) => node.id !== id);
    let candidate = others[0];
    for (let waits = 0; candidate?.raft?.role !== 'candidate' && waits < 5_000; waits++) {
      cluster.run(5);
      candidate = others.find(({ raft }) => raft?.role === 'candidate');
    }
    const voter = others.find((node) => node !== candidate);
    const { raft } = candidate ?? {};
    if (raft === undefined || voter === undefined) throw new Error('nobody campaigns');
    const { nodeId, instanceId } = raft.bindings.find((bound) => bound.nodeId === voter.id) ?? {};
    if (nodeId === undefined || instanceId === undefined) throw new Error('the voter is not bound');
    const sender = { nodeId, instanceId, bootCount: voter.bootCount };
    const vote = { type: 'voteResponse', preVote: false, granted: true } as const;
    raft.step(sender, { ...vote, term: raft.term - 1 }, cluster.at);
    expect(raft.role).toBe('candidate');
    raft.step(sender, { ...vote, term: raft.term }, cluster.at);
    expect(raft.role).toBe('leader');
  });

  test('recover appends that got lost, with no other traffic', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    cluster.loses = ({ message }) => message.type === 'appendRequest';
    for (let count = 0; count < 30; count++) cluster.propose(id, `lost ${count}`);
    cluster.run(30);
    cluster.loses = () => false;
    cluster.run(300);
    for (const node of cluster.nodes) expect(node.raft?.commitIndex).toBe(raft.lastLogIndex);
    for (const peer of raft.progress()) expect(peer.state).toBe('replicate');
  });

  test('go on without one, and bring it back', () => {
    const cluster = formed(3);
    const { id } = leading(cluster);
    cluster.crash(id);
    cluster.run(3 * electionTimeoutMaxMs);
    const next = leading(cluster);
    expect(next.id).not.toBe(id);
    for (let count = 0; count < 40; count++) cluster.propose(next.id, `${count}`);
    cluster.start(id);
    cluster.run(500);
    expect(cluster.raft(id).commitIndex).toBe(next.raft.lastLogIndex);
    expect(cluster.raft(id).role).toBe('follower');
    expect(leading(cluster).id).toBe(next.id);
  });

  test('a leader that hears no quorum steps down and refuses its reads', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    cluster.loses = () => true;
    cluster.read(id, 1);
    cluster.run(2 * electionTimeoutMaxMs);
    expect(raft.role).not.toBe('leader');
    expect(cluster.node(id).reads).toEqual([{ type: 'refused', readId: 1 }]);
  });

  test('answers that waited while the leader stood still are no contact of now', () => {
    const cluster = formed(3);
    const { raft } = leading(cluster);
    const waiting: Flying[] = [];
    cluster.loses = (flying) => {
      const isAnswer = flying.message.type === 'heartbeatResponse';
      if (isAnswer) waiting.push(flying);
      return isAnswer;
    };
    cluster.run(100);
    expect(waiting.length).toBeGreaterThan(0);
    const { monotonicMs, wallMs } = cluster.at;
    const lateMs = 2 * electionTimeoutMaxMs;
    const late = { monotonicMs: monotonicMs + lateMs, wallMs: wallMs + lateMs };
    for (const { from, instanceId, bootCount, message } of waiting) {
      raft.step({ nodeId: from, instanceId, bootCount }, message, late);
    }
    raft.tick(late);
    expect(raft.role).toBe('follower');
  });

  test('leadership goes to the member that was asked', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    const target = (id % 3) + 1;
    cluster.propose(id, 'last words');
    expect(raft.transferLeadership(target, cluster.at)).toBe(true);
    expect(cluster.propose(id, 'too late')).toMatchObject({ reason: 'transferring' });
    cluster.run(50);
    expect(leading(cluster).id).toBe(target);
  });

  test('a transfer to a silent member ends in time, and the lease stays void', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    const target = (id % 3) + 1;
    expect(raft.leaseValid(cluster.at)).toBe(true);
    cluster.loses = ({ message }) => message.type === 'timeoutNowRequest';
    expect(raft.transferLeadership(target, cluster.at)).toBe(true);
    cluster.settle(cluster.node(id));
    expect(raft.leaseValid(cluster.at)).toBe(false);
    cluster.run(electionTimeoutMaxMs + 50);
    expect(raft.transferring).toBe(false);
    expect(raft.proposalsAllowed).toBe(true);
    expect(raft.leaseValid(cluster.at)).toBe(false);
  });
});

describe('back-pressure of the own disk', () => {
  test('a leader whose disk is behind takes nothing new, and goes on after it', () => {
    const cluster = formed(3, 0, 3);
    const { id, raft } = leading(cluster);
    cluster.diskAtOnce = false;
    const results = ['a', 'b', 'c', 'd'].map((text) => cluster.propose(id, text));
    expect(results.map(({ accepted }) => accepted)).toEqual([true, true, true, false]);
    expect(results[3]).toMatchObject({ reason: 'notReady' });
    cluster.finishWrites(id, 1000);
    expect(raft.proposalsAllowed).toBe(true);
    expect(raft.durableIndex).toBe(raft.lastLogIndex);
    expect(cluster.propose(id, 'd')).toMatchObject({ accepted: true });
  });
});

describe('MemFirst', () => {
  test('commits from memory, but no more of it than may be lost', () => {
    const cluster = new FakeCluster(members(3), seededRandom(7));
    cluster.bufferedEntriesMax = 3;
    for (const node of cluster.nodes) node.strategy = 'MemFirst';
    cluster.startAll();
    cluster.run(3 * electionTimeoutMaxMs);
    const { id, raft } = leading(cluster);
    cluster.diskAtOnce = false;
    const before = raft.durableIndex;
    expect(cluster.propose(id, 'a')).toMatchObject({ accepted: true });
    cluster.run(20);
    expect(raft).toMatchObject({ durableIndex: before, commitIndex: before + 1 });
    for (const text of ['b', 'c', 'd']) cluster.propose(id, text);
    cluster.run(20);
    expect(raft).toMatchObject({ lastLogIndex: before + 3, commitIndex: before + 3 });
    // The followers' disks are as far behind; they acknowledge no more than the bound either.
    cluster.finishWrites(id, 1000);
    for (const text of ['d', 'e']) cluster.propose(id, text);
    cluster.run(20);
    expect(raft).toMatchObject({ lastLogIndex: before + 5, commitIndex: before + 3 });
  });

  test('waits for every voter, but not for those that an operator gave up', () => {
    const cluster = new FakeCluster(members(3), seededRandom(7));
    for (const node of cluster.nodes) node.strategy = 'MemFirst';
    cluster.startAll();
    cluster.run(3 * electionTimeoutMaxMs);
    for (const { id } of cluster.nodes) cluster.crash(id);
    for (const id of [1, 2]) cluster.start(id);
    cluster.run(10 * electionTimeoutMaxMs);
    expect(cluster.leader).toBeUndefined();
    for (const id of [1, 2]) {
      cluster.crash(id);
      cluster.start(id, [3]);
    }
    cluster.run(10 * electionTimeoutMaxMs);
    const { id, raft } = leading(cluster);
    expect(cluster.losses).toBe(1);
    cluster.propose(id, 'a');
    cluster.run(100);
    expect(raft.commitIndex).toBe(raft.lastLogIndex);
    expect([1, 2].map((each) => cluster.raft(each).recovering)).toEqual([false, false]);
    // The word was for that election alone.
    for (const each of [1, 2]) cluster.crash(each);
    for (const each of [1, 2]) cluster.start(each);
    cluster.run(10 * electionTimeoutMaxMs);
    expect(cluster.leader).toBeUndefined();
  });

  test('asks for a sync once so much is in memory that nothing more counts', () => {
    const cluster = new FakeCluster(members(3), seededRandom(7));
    cluster.bufferedEntriesMax = 3;
    for (const node of cluster.nodes) node.strategy = 'MemFirst';
    cluster.startAll();
    cluster.run(3 * electionTimeoutMaxMs);
    const { id, raft } = leading(cluster);
    cluster.diskAtOnce = false;
    cluster.awaitedAtOnce = true;
    const before = raft.durableIndex;
    for (const text of ['a', 'b']) cluster.propose(id, text);
    expect(raft.durableIndex).toBe(before);
    cluster.propose(id, 'c');
    expect(raft.durableIndex).toBe(before + 3);
  });
});

describe('reads', () => {
  test('are confirmed at the leader and at followers', () => {
    const cluster = formed(3, 1);
    const { id, raft } = leading(cluster);
    for (const node of cluster.nodes) cluster.read(node.id, 10 + node.id);
    cluster.deliverAll();
    for (const node of cluster.nodes) {
      const ready = { type: 'ready', readId: 10 + node.id, index: raft.commitIndex };
      expect(node.reads).toEqual([ready]);
    }
    expect(id).toBeLessThanOrEqual(3);
  });

  test('of a follower are refused when the leader does not answer', () => {
    const cluster = formed(3);
    const follower = (leading(cluster).id % 3) + 1;
    cluster.loses = ({ message }) => message.type === 'readIndexRequest';
    cluster.read(follower, 5);
    cluster.run(electionTimeoutMaxMs + 20);
    expect(cluster.node(follower).reads).toEqual([{ type: 'refused', readId: 5 }]);
  });
});

describe('one voter', () => {
  test('leads at once, commits and reads alone', () => {
    const cluster = new FakeCluster(members(1), seededRandom(1));
    cluster.start(1);
    cluster.tick(1);
    expect(cluster.raft(1).role).toBe('leader');
    expect(cluster.propose(1, 'x')).toMatchObject({ accepted: true, firstIndex: 3 });
    expect(cluster.raft(1).commitIndex).toBe(3);
    cluster.read(1, 9);
    expect(cluster.node(1).reads).toEqual([{ type: 'ready', readId: 9, index: 3 }]);
    expect(cluster.raft(1).leaseValid(cluster.at)).toBe(true);
    cluster.crash(1);
    cluster.start(1);
    cluster.tick(1);
    expect(cluster.raft(1).term).toBe(2);
    expect(cluster.raft(1).commitIndex).toBe(4);
  });
});

describe('formation', () => {
  test('the birth of a cluster leaves its first leader only when it is on disk', () => {
    const cluster = new FakeCluster(members(3), seededRandom(3));
    cluster.diskAtOnce = false;
    cluster.startAll();
    for (let step = 0; cluster.leader === undefined && step < 500; step++) {
      for (const { id } of cluster.nodes) cluster.finishWrites(id, 1);
      if (cluster.leader === undefined) cluster.run(10);
    }
    const { id, raft } = leading(cluster);
    const appends: number[] = [];
    cluster.loses = ({ to, message }) => {
      if (message.type === 'appendRequest') appends.push(to);
      return false;
    };
    cluster.run(100);
    expect(raft.lastLogIndex).toBe(2);
    expect(raft.clusterId).toBeUndefined();
    expect(appends).toEqual([]);
    cluster.finishWrites(id, 10);
    expect(appends.length).toBe(2);
  });

  test('a member that was in a cluster and lost its log neither forms nor helps to form', () => {
    const cluster = new FakeCluster(members(3), seededRandom(3));
    cluster.node(3).disk.everFormed = true;
    cluster.startAll();
    expect(cluster.raft(3).formationState).toBe('stopped');
    cluster.loses = ({ from, to }) => from === 2 || to === 2;
    cluster.run(10 * electionTimeoutMaxMs);
    expect(cluster.leader).toBeUndefined();
  });
});

describe('somebody who counts in nothing', () => {
  test('and leads another history is ignored, and stops nobody', () => {
    const cluster = new FakeCluster(members(5), seededRandom(7));
    for (const id of [1, 2, 3]) cluster.start(id);
    cluster.run(6 * electionTimeoutMaxMs);
    const { raft } = leading(cluster);
    const { commitIndex, lastLogIndex, term } = raft;
    expect(commitIndex).toBeGreaterThan(0);
    const stranger = { nodeId: 5, instanceId: 'of another cluster', bootCount: 1 };
    const request = {
      type: 'appendRequest',
      term: term + 1,
      leaderCommit: 1,
      token: 1,
      stickinessMs: 300,
      prevLogTerm: term + 1,
      entries: [],
    } as const;
    for (const prevLogIndex of [commitIndex, 1]) {
      raft.step(stranger, { ...request, prevLogIndex }, cluster.at);
    }
    expect(raft).toMatchObject({ commitIndex, lastLogIndex });
    cluster.run(6 * electionTimeoutMaxMs);
    expect(leading(cluster).raft.commitIndex).toBeGreaterThan(commitIndex);
  });
});

describe('a wiped voter', () => {
  test('is refused, and the others go on', () => {
    const cluster = formed(3);
    const { id, raft } = leading(cluster);
    const wiped = (id % 3) + 1;
    cluster.wipe(wiped);
    cluster.start(wiped);
    cluster.run(electionTimeoutMaxMs);
    const hello = cluster.hello(cluster.node(wiped));
    expect(raft.peerHello(hello, cluster.at)).toBe('otherInstance');
    expect(cluster.raft(wiped).formationState).toBe('stopped');
    cluster.propose(id, 'x');
    cluster.run(100);
    expect(raft.commitIndex).toBe(raft.lastLogIndex);
  });
});
