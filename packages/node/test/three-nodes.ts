import type { NodeId } from '@d-engine/base';
import { silentLogger, silentMetrics } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import type { NodeSettings } from '../src/index.ts';
import { Node } from '../src/index.ts';

export const ids: readonly NodeId[] = [1, 2, 3];

/** None are taken; what a leader has is installed. */
export const snapshotSettings: NodeSettings['snapshots'] = {
  enabled: false,
  directory: '/data/snapshots',
  namePrefix: 'snapshot-',
  compress: false,
  entriesMax: 20,
  logBytesMax: 0,
  intervalMs: 0,
  coolDownMs: 50,
  retainCount: 2,
  retainedLogEntries: 1,
  chunkBytes: 1_000,
  bandwidthMbpsMax: 0,
  pushAttemptsMax: 3,
  pushBackoffMs: 20,
  pushBackoffMaxMs: 200,
  alertFailures: 5,
  pushTimeoutMs: 20_000,
  chunkTimeoutMs: 500,
};

export const watchSettings: NodeSettings['watch'] = {
  ringEventsMax: 1_000,
  ringBytesMax: 1_000_000,
  watcherEventsMax: 100,
  watchersMax: 1_000,
  progressIntervalMs: 500,
  lagMeasured: true,
};

export const membershipSettings: NodeSettings['membership'] = {
  catchUpEntriesMax: 10,
  catchUpCheckIntervalMs: 100,
  staleLearnerMs: 5_000,
  staleCheckIntervalMs: 500,
  silentLooksMax: 3,
  silenceCheckIntervalMs: 500,
  join: { attemptsMax: 3, timeoutMs: 1_000, backoffMs: 50, backoffMaxMs: 300, compress: false },
};

export function settingsOf(
  nodeId: NodeId,
  members: readonly NodeId[],
  changes: Partial<NodeSettings> = {},
): NodeSettings {
  return {
    nodeId,
    initialMembers: members.map((id) => ({
      id,
      address: `n${id}:9000`,
      role: 'voter',
      promotable: false,
    })),
    listenAddress: `n${nodeId}:9000`,
    advertiseAddress: undefined,
    dataDirectory: '/data',
    electionTimeoutMinMs: 300,
    electionTimeoutMaxMs: 600,
    heartbeatIntervalMs: 30,
    leaseDurationMs: 200,
    appendEntriesMax: 100,
    bufferedEntriesMax: 10_000,
    strategy: 'DiskFirst',
    flushPolicy: { kind: 'immediate' },
    proposalBatchMax: 100,
    serverDeadlineMs: 5_000,
    pendingWritesMax: 1_000,
    pendingReadsMax: 1_000,
    defaultConsistency: 'linearizable',
    allowConsistencyOverride: true,
    keyBytesMax: 1_024,
    valueBytesMax: 65_536,
    requestBytesMax: 100_000,
    stateBytesMax: 100_000_000,
    stateVerificationIntervalMs: 0,
    membership: membershipSettings,
    version: 'test',
    snapshots: snapshotSettings,
    watch: watchSettings,
    segmentBytes: 65_536,
    ...changes,
  };
}

export function startNode(world: VirtualWorld, settings: NodeSettings): Promise<Node> {
  const { env } = world.host(`n${settings.nodeId}`);
  const node = Node.start({ env, settings, logger: silentLogger, metrics: silentMetrics });
  return world.complete(node);
}

/** Three members that have a leader. */
export async function startThree(
  seed: number,
  changes: (id: NodeId) => Partial<NodeSettings> = () => ({}),
): Promise<{ world: VirtualWorld; nodes: readonly Node[]; leader: Node; followers: Node[] }> {
  const world = new VirtualWorld({ seed });
  const nodes: Node[] = [];
  for (const id of ids) nodes.push(await startNode(world, settingsOf(id, ids, changes(id))));
  const isLed = (): boolean =>
    nodes.some((node) => node.isLeader) && nodes.every((node) => node.leaderId !== null);
  if (!(await world.run({ until: isLed, limitMs: 30_000 }))) throw new Error('no leader');
  const leader = nodes.find((node) => node.isLeader) as Node;
  return { world, nodes, leader, followers: nodes.filter((node) => node !== leader) };
}
