import type { NodeSettings } from '@d-engine/node';
import type { NodeConfig } from './config/index.ts';

/** The part of the configuration that says when snapshots are taken and how they travel. */
export function snapshotSettings({ raft, retry }: NodeConfig): NodeSettings['snapshots'] {
  const { snapshot, compression } = raft;
  return {
    enabled: snapshot.enabled,
    directory: snapshot.directory,
    namePrefix: snapshot.directoryPrefix,
    compress: compression.snapshotResponse,
    entriesMax: snapshot.logEntriesMax,
    logBytesMax: snapshot.logBytesMax,
    intervalMs: snapshot.intervalSeconds * 1_000,
    coolDownMs: snapshot.cooldownMs,
    retainCount: snapshot.retainedSnapshots,
    retainedLogEntries: snapshot.retainedLogEntries,
    chunkBytes: snapshot.chunkBytes,
    bandwidthMbpsMax: snapshot.bandwidthMegabitsMax,
    pushAttemptsMax: snapshot.pushRetriesMax,
    pushBackoffMs: snapshot.pushBackoffMs,
    pushBackoffMaxMs: retry.installSnapshot.pushBackoffDelayMsMax,
    alertFailures: retry.installSnapshot.failureAlertThreshold,
    // One call is one transfer here, resumed or not: whichever of the two is shorter ends it.
    pushTimeoutMs: Math.min(snapshot.pushTimeoutMs, raft.snapshotRpcTimeoutMs),
    chunkTimeoutMs: snapshot.receiveChunkTimeoutSeconds * 1_000,
  };
}
