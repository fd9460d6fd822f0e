import type { Consistency } from '@d-engine/base';
import type { NodeSettings } from '@d-engine/node';
import type { NodeConfig } from './config/index.ts';
import { membershipSettings } from './membership-settings.ts';
import { snapshotSettings } from './snapshot-settings.ts';
import { version } from './version.ts';

const consistencies: Readonly<
  Record<NodeConfig['raft']['readConsistency']['defaultPolicy'], Consistency>
> = {
  LinearizableRead: 'linearizable',
  LeaseRead: 'lease',
  EventualConsistency: 'eventual',
};

/** The part of the configuration that the member itself works by. */
export function nodeSettings(config: NodeConfig): NodeSettings {
  const { cluster, raft, limits } = config;
  return {
    nodeId: cluster.nodeId,
    initialMembers: cluster.members,
    listenAddress: cluster.listenAddress,
    advertiseAddress: cluster.advertiseAddress,
    dataDirectory: cluster.dbRootDir,
    electionTimeoutMinMs: raft.election.timeoutMinMs,
    electionTimeoutMaxMs: raft.election.timeoutMaxMs,
    heartbeatIntervalMs: raft.replication.heartbeatIntervalMs,
    leaseDurationMs: raft.readConsistency.leaseDurationMs,
    appendEntriesMax: raft.replication.entriesPerMessageMax,
    strategy: raft.persistence.strategy,
    flushPolicy: raft.persistence.flushPolicy,
    bufferedEntriesMax: raft.persistence.bufferedEntriesMax,
    proposalBatchMax: raft.batching.batchSizeMax,
    serverDeadlineMs: raft.serverDeadlineMs,
    pendingWritesMax: raft.backpressure.pendingWritesMax,
    pendingReadsMax: raft.backpressure.pendingReadsMax,
    defaultConsistency: consistencies[raft.readConsistency.defaultPolicy],
    allowConsistencyOverride: raft.readConsistency.clientOverrideAllowed,
    keyBytesMax: limits.keyBytesMax,
    valueBytesMax: limits.valueBytesMax,
    requestBytesMax: limits.requestBytesMax,
    stateBytesMax: limits.stateBytesMax,
    stateVerificationIntervalMs: raft.stateVerificationIntervalMs,
    membership: membershipSettings(config),
    version,
    snapshots: snapshotSettings(config),
    watch: {
      ringEventsMax: raft.watch.eventQueueSize,
      ringBytesMax: raft.watch.eventQueueBytesMax,
      watcherEventsMax: raft.watch.watcherBufferSize,
      watchersMax: raft.watch.watchersMax,
      progressIntervalMs: raft.watch.heartbeatIntervalMs,
      lagMeasured: raft.watch.metricsEnabled,
    },
  };
}
