import type { Instant, Term } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Core } from './core.ts';
import type { InstallVerdict, RaftSnapshot } from './raft-snapshot.ts';

/**
 * Takes over a snapshot that the leader of `leaderTerm` sent and that is durable here (design rule
 * 11). What it holds is committed, whoever leads by now.
 */
export function installSnapshot(
  core: Core,
  snapshot: RaftSnapshot,
  leaderTerm: Term,
  at: Instant,
): InstallVerdict {
  const { index, term } = snapshot;
  // Else a leader that never had these entries could be told that it and this member agree.
  assert(leaderTerm <= core.term, 'its sender was heard before');
  if (index <= core.commitIndex || core.leader !== undefined) return 'stale';
  // A candidacy rests on the log that it began with.
  core.becomeFollower(core.term, core.leaderId, '', at);
  const keepsLog = core.log.termAt(index) === term;
  if (keepsLog) {
    core.verifiedIndex = Math.max(core.verifiedIndex, index);
    core.commitTo(index);
  } else core.resetTo(snapshot);
  // Leaves once everything up to the snapshot's end is durable, see flushAcknowledgement.
  core.ackOwed = true;
  return keepsLog ? 'kept' : 'installed';
}
