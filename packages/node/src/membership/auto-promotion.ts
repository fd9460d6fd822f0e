import type { NodeId } from '@d-engine/base';
import type { Configuration, PeerProgress } from '@d-engine/raft';
import { isJoint } from '@d-engine/raft';

/**
 * Whom a leader promotes by itself: learners that may vote and have caught up, so many that the
 * voters are an odd number afterwards. An even one bears no more losses than one less, and each
 * write waits for one more.
 */
export function whomToPromote(
  configuration: Configuration,
  peers: readonly PeerProgress[],
  lastLogIndex: number,
  lagMax: number,
): readonly NodeId[] {
  if (isJoint(configuration)) return [];
  const ready = configuration.members.filter(({ id, role, promotable }) => {
    const peer = peers.find(({ nodeId }) => nodeId === id);
    if (role !== 'learner' || !promotable || peer?.caughtUp !== true) return false;
    return lastLogIndex - peer.matchIndex <= lagMax;
  });
  const isOdd = (configuration.voters.length + ready.length) % 2 === 1;
  const chosen = isOdd ? ready : ready.slice(0, -1);
  return chosen.map(({ id }) => id);
}
