import { isMember } from '../configuration.ts';
import type { MembershipChange } from '../membership-change.ts';
import type { Raft } from '../raft.ts';
import {
  calmDown,
  crashOrStart,
  deliverSome,
  endTransfer,
  finishSome,
  passTime,
  pick,
  propose,
  takeSnapshot,
  transfer,
} from './chaos.ts';
import type { FakeNode } from './fake-cluster.ts';
import { FakeCluster, members } from './fake-cluster.ts';
import { seededRandom } from './seeded-random.ts';

export interface MembershipChaosResult {
  /** Changes that a leader took on, and how many of them made a joint configuration. */
  changes: number;
  joint: number;
  removedLeaders: number;
  replaced: number;
}

const nobody: MembershipChange = { add: [], promote: [], remove: [] };

/**
 * Members come, are promoted, go and are replaced among everything else that happens. Throws when a
 * rule breaks, or when nothing works afterwards.
 */
export function runMembershipChaos(
  seed: number,
  voters: number,
  spares: number,
  steps: number,
): MembershipChaosResult {
  const random = seededRandom(seed);
  const cluster = new FakeCluster(members(voters), random, spares);
  cluster.diskAtOnce = random() < 0.5;
  cluster.startAll();
  const lossRate = random() < 0.3 ? 0.3 : random() * 0.1;
  const crashRate = random() * 0.015;
  const diskRate = cluster.diskAtOnce ? crashRate : 0.05 + random() * 0.2;
  let isolated = 0;
  cluster.loses = ({ from, to }) => (from === isolated) !== (to === isolated);
  const result = { changes: 0, joint: 0, removedLeaders: 0, replaced: 0 };
  for (let step = 0; step < steps; step++) {
    const node = pick(cluster.nodes, random);
    const dice = random();
    if (dice < crashRate) crashOrStart(cluster, node, random);
    else if (dice < diskRate) finishSome(cluster, node, random);
    else if (dice > 0.994) isolated = random() < 0.5 ? 0 : node.id;
    else if (dice < 0.28) propose(cluster, step);
    else if (dice < 0.3 && node.raft !== undefined) cluster.read(node.id, step);
    else if (dice < 0.302) transfer(cluster, node);
    else if (dice < 0.4) change(cluster, node, random, result);
    else if (dice < 0.41) takeSnapshot(cluster, node, random);
    else if (dice < 0.43) endTransfer(cluster, random);
    else if (dice < 0.55) passTime(cluster, random);
    else deliverSome(cluster, random, lossRate);
  }
  calmDown(cluster);
  return result;
}

function change(
  cluster: FakeCluster,
  node: FakeNode,
  random: () => number,
  result: MembershipChaosResult,
): void {
  const { leader } = cluster;
  if (leader === undefined) return;
  const wanted = draw(cluster, leader, node, random);
  if (wanted === undefined) return;
  const leaders = cluster.nodes.filter(({ raft }) => raft?.role === 'leader');
  for (const { id, raft } of leaders) {
    const answer = raft?.changeMembership(wanted, cluster.at);
    const isJoint = (raft?.configuration.outgoingVoters.length ?? 0) > 0;
    cluster.settle(cluster.node(id));
    if (answer?.accepted !== true) continue;
    result.changes += 1;
    if (isJoint) result.joint += 1;
    if (wanted.remove.includes(id)) result.removedLeaders += 1;
    if (wanted.remove.length > 0 && wanted.add.length > 0) result.replaced += 1;
  }
}

function draw(
  cluster: FakeCluster,
  leader: Raft,
  node: FakeNode,
  random: () => number,
): MembershipChange | undefined {
  const { configuration, bindings } = leader;
  const { id } = node;
  const learner = {
    id,
    address: `host-${id}:1`,
    promotable: true,
    instanceId: cluster.instanceOf(node),
  };
  const bound = bindings.findLast(({ nodeId }) => nodeId === id);
  const isWiped = bound !== undefined && bound.instanceId !== learner.instanceId;
  if (!isMember(configuration, id)) {
    // Its directory knows an earlier time: it comes back as a new member.
    const isFinal = leader.configurationIndex <= leader.commitIndex;
    if (bound !== undefined && !isWiped && isFinal) rebuild(cluster, id);
    return { ...nobody, add: [{ ...learner, instanceId: cluster.instanceOf(node) }] };
  }
  if (isWiped) return { ...nobody, remove: [id], add: [learner] };
  const { learners, voters } = configuration;
  const dice = random();
  if (learners.length > 0 && dice < 0.5) {
    const promote = dice < 0.25 ? learners : [pick(learners, random)];
    const remove = dice < 0.2 && voters.length > 1 ? [pick(voters, random)] : [];
    return { ...nobody, promote, remove };
  }
  if (dice < 0.8 && canLose(cluster, leader, node)) {
    cluster.wipe(id);
    return { ...nobody, remove: [id], add: [{ ...learner, instanceId: cluster.instanceOf(node) }] };
  }
  if (dice < 0.9) return { ...nobody, remove: [id] };
  return { ...nobody, remove: [...new Set([id, pick(voters, random)])] };
}

function rebuild(cluster: FakeCluster, id: FakeNode['id']): void {
  cluster.wipe(id);
  cluster.start(id);
}

/**
 * Whether a quorum stays without this member for good. A leader that has not heard of it yet may
 * take others out meanwhile, so all have to be there, and nobody else be lost.
 */
function canLose(cluster: FakeCluster, leader: Raft, { id }: FakeNode): boolean {
  const { configuration, configurationIndex, commitIndex, bindings } = leader;
  const lastBound = bindings.at(-1)?.index ?? 0;
  const { voters, outgoingVoters } = configuration;
  // By its file it is the only voter, so that an empty one forms a cluster of its own.
  if (cluster.members.length === 1 && id === 1) return false;
  if (outgoingVoters.length > 0 || configurationIndex > commitIndex || voters.length < 3) {
    return false;
  }
  return cluster.nodes.every((other) => {
    const bound = bindings.findLast(({ nodeId }) => nodeId === other.id);
    const isWhole = bound?.instanceId === cluster.instanceOf(other);
    const { raft } = other;
    const knows =
      raft?.configurationIndex === configurationIndex &&
      raft.commitIndex >= Math.max(lastBound, configurationIndex);
    return other.id === id || !isMember(configuration, other.id) || (isWhole && knows);
  });
}
