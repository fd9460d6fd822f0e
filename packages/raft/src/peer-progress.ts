import type { Instant } from '@d-engine/base';
import type { Core } from './core.ts';
import type { LeaderState } from './leader-state.ts';
import { canPromote } from './membership.ts';
import type { PeerProgress } from './raft-config.ts';

/** What a leader tells of its peers. */
export function progressOf(core: Core, leader: LeaderState, at: Instant): PeerProgress[] {
  return leader.peers.map((peer) => ({
    nodeId: peer.nodeId,
    matchIndex: peer.matchIndex,
    nextIndex: peer.nextIndex,
    state: peer.state,
    snapshotIndex: peer.snapshotIndex,
    inflightMessages: peer.inflight.count,
    lastContactMs: peer.lastContactMs,
    bound: core.counts(peer.nodeId, peer.instanceId),
    caughtUp: canPromote(core, peer, at),
    leaving: peer.leftAtMs !== undefined,
  }));
}
