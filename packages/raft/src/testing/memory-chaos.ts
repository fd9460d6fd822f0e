import { calmDown, pick } from './chaos.ts';
import type { FakeNode, Flying } from './fake-cluster.ts';
import { electionTimeoutMaxMs, FakeCluster, members } from './fake-cluster.ts';
import { seededRandom } from './seeded-random.ts';

type Strategies = FakeNode['strategy'] | 'any';

interface Late {
  readonly flying: Flying;
  /** The run of the receiver when it was sent: no other one gets it. */
  readonly toRun: number;
}

/**
 * Terms that commit something each, with disks that write only what somebody waits for, and crashes
 * between them: what is lost must have been given up by every voter. Throws when a rule breaks, or
 * when nothing works afterwards. Returns how often a new history began.
 */
export function runMemoryChaos(seed: number, voters: number, strategies: Strategies): number {
  const random = seededRandom(seed);
  const cluster = new FakeCluster(members(voters), random);
  for (const node of cluster.nodes) node.strategy = drawStrategy(strategies, random);
  cluster.diskAtOnce = false;
  cluster.awaitedAtOnce = true;
  cluster.startAll();
  cluster.run(6 * electionTimeoutMaxMs);
  let cut: FakeNode['id'][] = [];
  const late: Late[] = [];
  const lateRate = random() * 0.1;
  cluster.loses = (flying) => {
    if (cut.includes(flying.from) !== cut.includes(flying.to)) return true;
    if (random() >= lateRate) return false;
    late.push({ flying, toRun: cluster.node(flying.to).bootCount });
    return random() < 0.7;
  };
  for (let round = 0; round < 60; round++) {
    const node = pick(cluster.nodes, random);
    const dice = random();
    if (dice < 0.1)
      cut = forget(cluster, random, (ids) => {
        cut = ids;
      });
    else if (dice < 0.25) crash(cluster, node, random);
    else if (dice < 0.55) startOne(cluster, strategies, random);
    else if (dice < 0.65) cluster.finishWrites(node.id, 1 + Math.floor(random() * 5));
    else if (dice < 0.75) cut = random() < 0.4 ? [] : [node.id];
    else if (dice < 0.8 && node.raft !== undefined) cluster.takeSnapshot(node.id, 1);
    else handOverLate(cluster, late, random);
    propose(cluster, round, random);
    cluster.run(random() < 0.5 ? 20 : random() * 2 * electionTimeoutMaxMs);
  }
  calmDown(cluster);
  return cluster.losses;
}

function drawStrategy(strategies: Strategies, random: () => number): FakeNode['strategy'] {
  if (strategies !== 'any') return strategies;
  return random() < 0.7 ? 'MemFirst' : 'DiskFirst';
}

function crash(cluster: FakeCluster, node: FakeNode, random: () => number): void {
  if (node.raft === undefined) return;
  if (random() < 0.2) cluster.stop(node.id);
  else cluster.crash(node.id, Math.floor(random() * (node.disk.pendingCount + 1)));
}

function startOne(cluster: FakeCluster, strategies: Strategies, random: () => number): void {
  const down = cluster.nodes.filter(({ raft }) => raft === undefined);
  if (down.length === 0) return;
  const node = pick(down, random);
  node.strategy = drawStrategy(strategies, random);
  cluster.start(node.id);
}

/**
 * A leader commits with a bare quorum, one of those forgets it and is back at once, and then the
 * leader is cut off: whoever was behind may lead now only if that one does not help it.
 */
function forget(
  cluster: FakeCluster,
  random: () => number,
  cutOff: (ids: FakeNode['id'][]) => void,
): FakeNode['id'][] {
  const leader = cluster.nodes.find(({ raft }) => raft?.role === 'leader');
  const others = cluster.nodes.filter((node) => node !== leader && node.raft !== undefined);
  const mate = others[Math.floor(random() * others.length)];
  if (leader === undefined || mate === undefined) return [];
  const behind = others.filter((node) => node !== mate).map(({ id }) => id);
  cutOff(behind.slice(0, Math.floor((cluster.nodes.length - 1) / 2)));
  for (const text of ['x', 'y', 'z']) cluster.propose(leader.id, text);
  cluster.run(20);
  cluster.crash(mate.id, 0);
  cluster.start(mate.id);
  for (let beat = 0; beat < 3; beat++) {
    cluster.nowMs += 20;
    for (const { id } of cluster.nodes) cluster.tick(id);
    for (let sent = random() * 6; sent > 1; sent--) cluster.deliver();
  }
  cluster.flying.length = 0;
  cutOff([leader.id]);
  cluster.run(4 * electionTimeoutMaxMs);
  return [leader.id];
}

function handOverLate(cluster: FakeCluster, late: Late[], random: () => number): void {
  for (let count = 0; count < 5 && late.length > 0; count++) {
    const [next] = late.splice(Math.floor(random() * late.length), 1);
    if (next === undefined || cluster.node(next.flying.to).bootCount !== next.toRun) continue;
    cluster.handOver(next.flying);
  }
}

function propose(cluster: FakeCluster, round: number, random: () => number): void {
  const count = Math.floor(random() * 5);
  for (const { id, raft } of cluster.nodes) {
    if (raft?.role !== 'leader') continue;
    for (let number = 0; number < count; number++) cluster.propose(id, `${round} ${number}`);
    if (random() < 0.3) for (let sent = random() * 6; sent > 0; sent--) cluster.deliver();
  }
}
