import { isMember } from '../configuration.ts';
import type { FakeNode } from './fake-cluster.ts';
import { electionTimeoutMaxMs, FakeCluster, members } from './fake-cluster.ts';
import { seededRandom } from './seeded-random.ts';

/**
 * Throws when a rule breaks under `steps` random events, or when nothing works after them. Returns
 * how many snapshots were installed.
 */
export function runChaos(seed: number, voters: number, steps: number): number {
  const random = seededRandom(seed);
  const cluster = new FakeCluster(members(voters, voters > 3 ? 1 : 0), random);
  cluster.diskAtOnce = false;
  cluster.startAll();
  const lossRate = random() < 0.3 ? 0.3 : random() * 0.1;
  const crashRate = random() * 0.03;
  const diskRate = 0.05 + random() * 0.3;
  let isolated = 0;
  cluster.loses = ({ from, to }) => (from === isolated) !== (to === isolated);
  let counter = 0;
  let wiped = false;
  for (let step = 0; step < steps; step++) {
    const node = pick(cluster.nodes, random);
    const dice = random();
    if (dice < crashRate) crashOrStart(cluster, node, random);
    else if (dice < diskRate) finishSome(cluster, node, random);
    else if (dice > 0.993) isolated = random() < 0.5 ? 0 : node.id;
    else if (dice < 0.42) propose(cluster, ++counter);
    else if (dice < 0.45 && node.raft !== undefined) cluster.read(node.id, ++counter);
    else if (dice < 0.452) transfer(cluster, node);
    else if (dice < 0.4525 && !wiped && allBound(cluster, voters)) {
      wiped = true;
      cluster.wipe(node.id);
    } else if (dice < 0.53) takeSnapshot(cluster, node, random);
    else if (dice < 0.56) endTransfer(cluster, random);
    else if (dice < 0.64) passTime(cluster, random);
    else deliverSome(cluster, random, lossRate);
  }
  calmDown(cluster);
  return cluster.installs;
}

export function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/**
 * Before that, a wiped voter and one that is not bound yet may leave no quorum: a limit of design
 * rule 2, not a defect.
 */
function allBound(cluster: FakeCluster, voters: number): boolean {
  return cluster.nodes.every(({ id, raft, disk }) => {
    const bindings = raft?.bindings ?? [];
    const last = bindings[bindings.length - 1]?.index ?? 0;
    return id > voters || (bindings.length >= voters && disk.durable.commitIndex >= last);
  });
}

export function crashOrStart(cluster: FakeCluster, node: FakeNode, random: () => number): void {
  if (node.raft === undefined) cluster.start(node.id);
  else cluster.crash(node.id, Math.floor(random() * (node.disk.pendingCount + 1)));
}

export function finishSome(cluster: FakeCluster, node: FakeNode, random: () => number): void {
  cluster.finishWrites(node.id, 1 + Math.floor(random() * node.disk.pendingCount));
}

export function propose(cluster: FakeCluster, counter: number): void {
  for (const { id, raft } of cluster.nodes) {
    if (raft?.role === 'leader') cluster.propose(id, `${counter}`);
  }
}

export function takeSnapshot(cluster: FakeCluster, node: FakeNode, random: () => number): void {
  if (node.raft !== undefined) cluster.takeSnapshot(node.id, Math.floor(random() * 2));
}

export function endTransfer(cluster: FakeCluster, random: () => number): void {
  cluster.endTransfer(Math.floor(random() * cluster.transfers.length), random() < 0.2);
}

export function transfer(cluster: FakeCluster, node: FakeNode): void {
  for (const leader of cluster.nodes) {
    leader.raft?.transferLeadership(node.id, cluster.at);
    cluster.settle(leader);
  }
}

export function passTime(cluster: FakeCluster, random: () => number): void {
  cluster.nowMs += random() < 0.02 ? random() * electionTimeoutMaxMs : random() * 15;
  for (const { id, raft } of cluster.nodes) {
    if (raft !== undefined && raft.nextTickAtMs() <= cluster.nowMs) cluster.tick(id);
  }
}

export function deliverSome(cluster: FakeCluster, random: () => number, lossRate: number): void {
  const { flying } = cluster;
  for (let count = 0; count < 3 && flying.length > 0; count++) {
    // Mostly in order; sometimes anything.
    const position = random() < 0.8 ? 0 : Math.floor(random() * flying.length);
    const dice = random();
    if (dice < lossRate) flying.splice(position, 1);
    else if (dice < lossRate + 0.03) cluster.handOver(flying[position] as (typeof flying)[number]);
    else cluster.deliver(position);
  }
}

/**
 * Everything works again: a leader must come, and what it is given must be committed everywhere.
 */
export function calmDown(cluster: FakeCluster): void {
  cluster.loses = () => false;
  cluster.diskAtOnce = true;
  for (const { id, raft } of cluster.nodes) {
    if (raft === undefined) cluster.start(id);
    cluster.finishWrites(id, 1000);
  }
  cluster.flying.length = 0;
  for (let round = 0; round < 2; round++) {
    // Streams that were refused are tried again.
    for (const node of cluster.nodes) cluster.announce(node);
    cluster.run(5 * electionTimeoutMaxMs);
  }
  const leader = cluster.nodes.find(({ raft }) => raft?.role === 'leader');
  if (leader?.raft === undefined) throw new Error('no leader came');
  cluster.propose(leader.id, 'the end');
  cluster.run(200);
  const last = leader.raft.lastLogIndex;
  const { configuration, bindings } = leader.raft;
  for (const node of cluster.nodes) {
    const bound = bindings.findLast(({ nodeId }) => nodeId === node.id);
    if (bound?.instanceId !== cluster.instanceOf(node)) continue;
    if (!isMember(configuration, node.id)) continue;
    if (node.raft?.commitIndex !== last) throw new Error(`node ${node.id} stays behind`);
  }
}
