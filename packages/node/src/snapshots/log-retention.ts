import type { LogIndex } from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { PeerProgress } from '@d-engine/raft';

/**
 * Up to where the log may forget its entries, all of which are in a durable snapshot. `retained`
 * entries stay in any case. A leader keeps what a peer that follows the log still needs, within a
 * bound, and what one will need that a snapshot is being sent to: else the next one would have to
 * be sent when it has got this one.
 */
export function purgeLimit(options: {
  readonly snapshotIndex: LogIndex;
  readonly retained: number;
  readonly peers: readonly PeerProgress[];
}): LogIndex {
  const { snapshotIndex, retained, peers } = options;
  let upTo = snapshotIndex - retained;
  const lowest = snapshotIndex - Math.max(retained, limits.laggingPeerEntriesMax);
  for (const { state, matchIndex, snapshotIndex: sentIndex } of peers) {
    if (state === 'replicate') upTo = Math.min(upTo, Math.max(lowest, matchIndex));
    if (state === 'snapshot' && sentIndex > 0) upTo = Math.min(upTo, sentIndex);
  }
  return Math.max(0, upTo);
}
