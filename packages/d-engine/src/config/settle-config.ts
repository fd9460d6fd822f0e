import type { Findings } from './findings.ts';
import type { MergedSettings } from './merged-settings.ts';
import type { NodeConfig, RaftConfig } from './node-config.ts';
import type { Environment } from './parse-environment.ts';
import { clusterSection } from './sections/cluster.ts';
import { electionSection } from './sections/election.ts';
import { clientSection, httpSection } from './sections/front.ts';
import {
  autoJoinSection,
  membershipSection,
  promotionSection,
  zombieSection,
} from './sections/membership.ts';
import { networkSection } from './sections/network.ts';
import { storageSection } from './sections/persistence.ts';
import { backpressureSection, raftSection } from './sections/raft.ts';
import { compressionSection } from './sections/read-consistency.ts';
import { batchingSection, replicationSection } from './sections/replication.ts';
import { snapshotSection } from './sections/snapshot.ts';
import { raftMetricsSection, ttlSection, watchSection } from './sections/state-machine.ts';
import { settleCluster } from './settle-cluster.ts';
import { settleLimits } from './settle-limits.ts';
import { settlePlane } from './settle-network.ts';
import { settlePersistence } from './settle-persistence.ts';
import { settleRetry } from './settle-retry.ts';
import { settleLog, settleMetrics } from './settle-surroundings.ts';
import { checkElection, settleReadConsistency } from './settle-timing.ts';
import { settleTls } from './settle-tls.ts';

/** Puts the sections together; rules that relate keys to each other are checked here. */
export function settleConfig(
  merged: MergedSettings,
  environment: Environment,
  dataDir: string | undefined,
  findings: Findings,
): NodeConfig {
  const cluster = settleCluster(merged, dataDir, findings);
  const { logDir } = merged.section(clusterSection);
  return {
    cluster,
    log: settleLog(environment, logDir, cluster.nodeId, findings),
    metrics: settleMetrics(environment, cluster.nodeId, findings),
    http: merged.section(httpSection),
    client: merged.section(clientSection),
    limits: settleLimits(merged, findings),
    raft: settleRaft(merged, cluster.dbRootDir, findings),
    network: {
      ...merged.section(networkSection),
      control: settlePlane(merged, 'control', findings),
      data: settlePlane(merged, 'data', findings),
      bulk: settlePlane(merged, 'bulk', findings),
    },
    storage: merged.section(storageSection),
    tls: settleTls(merged, cluster, findings),
    retry: settleRetry(merged, findings),
  };
}

function settleRaft(merged: MergedSettings, dbRootDir: string, findings: Findings): RaftConfig {
  checkElection(merged, findings);
  const snapshot = merged.section(snapshotSection);
  return {
    ...merged.section(raftSection),
    election: merged.section(electionSection),
    replication: merged.section(replicationSection),
    batching: merged.section(batchingSection),
    backpressure: merged.section(backpressureSection),
    persistence: settlePersistence(merged, findings),
    readConsistency: settleReadConsistency(merged, findings),
    ttl: merged.section(ttlSection),
    watch: merged.section(watchSection),
    snapshot: { ...snapshot, directory: snapshot.directory ?? `${dbRootDir}/snapshots` },
    membership: {
      ...merged.section(membershipSection),
      zombie: merged.section(zombieSection),
      promotion: merged.section(promotionSection),
    },
    autoJoin: merged.section(autoJoinSection),
    compression: merged.section(compressionSection),
    metrics: merged.section(raftMetricsSection),
  };
}
