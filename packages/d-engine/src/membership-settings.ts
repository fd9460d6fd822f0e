import type { NodeSettings } from '@d-engine/node';
import type { NodeConfig } from './config/index.ts';

/** A look at every turn would cost more than it brings. */
const checkIntervalMsMin = 50;

/** `[raft.membership]`, `[raft.auto_join]`, `[retry.join_cluster]` and the keys for learners. */
export function membershipSettings({ raft, retry }: NodeConfig): NodeSettings['membership'] {
  const { zombie, promotion } = raft.membership;
  const { joinCluster } = retry;
  return {
    catchUpEntriesMax: raft.learnerCatchupThresholdEntries,
    catchUpCheckIntervalMs: Math.max(raft.learnerCheckThrottleMs, checkIntervalMsMin),
    staleLearnerMs: promotion.staleLearnerThresholdMs,
    staleCheckIntervalMs: promotion.staleCheckIntervalMs,
    silentLooksMax: zombie.failureThreshold,
    silenceCheckIntervalMs: zombie.purgeIntervalMs,
    join: {
      attemptsMax: joinCluster.retriesMax,
      timeoutMs: joinCluster.timeoutMs,
      backoffMs: joinCluster.baseDelayMs,
      backoffMaxMs: joinCluster.delayMsMax,
      compress: raft.autoJoin.compressionEnabled,
    },
  };
}
