import type { NodeSettings } from '@d-engine/node';
import { SeededRandom } from '@d-engine/virtual-env';

export type SnapshotSettings = NodeSettings['snapshots'];

/** None are taken; whoever is sent one installs it. */
export const noSnapshots: SnapshotSettings = {
  enabled: false,
  directory: '/data/snapshots',
  namePrefix: 'snapshot-',
  compress: false,
  entriesMax: 1_000,
  logBytesMax: 0,
  intervalMs: 0,
  coolDownMs: 60_000,
  retainCount: 2,
  retainedLogEntries: 1,
  chunkBytes: 262_144,
  bandwidthMbpsMax: 0,
  pushAttemptsMax: 3,
  pushBackoffMs: 100,
  pushBackoffMaxMs: 1_000,
  alertFailures: 5,
  pushTimeoutMs: 60_000,
  chunkTimeoutMs: 1_000,
};

/** What the largest of states takes where the speed is bound: connections have time to break. */
export const slowTransferMs = 5_000;

/** Ten keys, and what stands around them. */
function stateBytes(valueBytes: readonly number[]): number {
  return 2_000 + 10 * Math.max(0, ...valueBytes);
}

/**
 * Some of the runs take snapshots, often and of small pieces, so that a member that was away for a
 * while needs one and a transfer is long enough to be broken. They have draws of their own: the
 * other seeds play what they played.
 */
export function drawSnapshots(seed: number, valueBytes: readonly number[]): SnapshotSettings {
  const random = new SeededRandom(seed).fork('snapshots');
  if (random.chance(0.6)) return noSnapshots;
  return {
    ...noSnapshots,
    enabled: true,
    compress: random.chance(0.3),
    entriesMax: random.pick([10, 30, 100]),
    logBytesMax: random.pick([0, 0, 20_000]),
    intervalMs: random.pick([0, 0, 5_000]),
    coolDownMs: random.pick([0, 500, 2_000]),
    retainCount: random.pick([1, 2]),
    retainedLogEntries: random.pick([1, 1, 10]),
    chunkBytes: random.pick([100, 300, 1_000, 262_144]),
    bandwidthMbpsMax: random.chance(0.75)
      ? (8 * stateBytes(valueBytes)) / slowTransferMs / 1_000
      : 0,
  };
}
