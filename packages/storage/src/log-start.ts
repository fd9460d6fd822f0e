import type { Term } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { RaftSnapshot } from '@d-engine/raft';
import type { LogStore, RecoveredLog, SnapshotInfo } from './contracts.ts';
import { replaceMemberAdvice, StorageDamage } from './storage-errors.ts';

/** What the algorithm needs of a snapshot. */
export function raftSnapshotOf(info: SnapshotInfo): RaftSnapshot {
  const { header, configuration: section, history, clusterTime } = info;
  const { index, term, clusterId, formedAtWallMs } = header;
  const { configuration, configurationIndex, bindings } = section;
  const { historyId } = history;
  assert(historyId !== null, 'a snapshot of a cluster that has no history');
  const members = { configuration, configurationIndex, bindings };
  const membership = { clusterId, historyId, formedAtWallMs, ...members };
  return { index, term, clusterTimeMs: clusterTime.clusterTimeMs, membership };
}

/**
 * Brings the log into step with the newest snapshot. A log that goes on behind it or goes beyond it
 * stays; one that a crash left without the snapshot's last entry begins anew behind it, as the
 * install that the crash cut short would have had it (design rule 11). Refuses what no crash
 * leaves: entries missing between the two, or another history.
 */
export async function startBehind(
  log: LogStore,
  recovered: RecoveredLog,
  snapshot: RaftSnapshot | undefined,
  logDirectory: string,
): Promise<RecoveredLog> {
  const { firstIndex, lastIndex, commitIndex } = recovered;
  const refuse = (reason: string): never => {
    throw new StorageDamage({ file: logDirectory, offset: 0, reason, advice });
  };
  if (snapshot === undefined) {
    if (firstIndex > 1) refuse(`the log begins with entry ${firstIndex}, and there is no snapshot`);
    return recovered;
  }
  const { index, term, clusterTimeMs } = snapshot;
  if (firstIndex > index + 1) {
    refuse(`the log begins with entry ${firstIndex}, and the newest snapshot ends at ${index}`);
  }
  if (index <= lastIndex && termOf(recovered, index) === term) {
    const lastClusterTimeMs = Math.max(recovered.lastClusterTimeMs, clusterTimeMs);
    return { ...recovered, commitIndex: Math.max(commitIndex, index), lastClusterTimeMs };
  }
  if (index <= commitIndex) {
    const found = termOf(recovered, index);
    refuse(`committed entry ${index} is of term ${found}, in the snapshot of term ${term}`);
  }
  const reset = { index, term };
  await log.append({ reset, truncateFrom: undefined, entries: [], commitIndex: index });
  return {
    firstIndex: index + 1,
    precedingTerm: term,
    lastIndex: index,
    termStarts: [],
    membershipEntries: [],
    commitIndex: index,
    lastClusterTimeMs: clusterTimeMs,
  };
}

const advice: string =
  'Put the snapshot files back if they were moved, or the log files if those were. ' +
  replaceMemberAdvice;

/** From the entry before the first one on. */
function termOf({ termStarts, precedingTerm }: RecoveredLog, index: number): Term {
  return termStarts.findLast((start) => start.index <= index)?.term ?? precedingTerm;
}
