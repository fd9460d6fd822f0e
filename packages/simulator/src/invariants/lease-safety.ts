import type { MemberView } from './member-view.ts';

export const leaseCheckName = 'lease needs a quorum of send times';

/**
 * While a leader may answer alone, no other has committed anything in a newer term: whoever voted
 * for that one would have had to wait for the lease to end (design rule 4).
 */
export function leaseProblem(leaders: readonly MemberView[]): string | undefined {
  for (const older of leaders) {
    for (const newer of leaders) {
      if (newer.term <= older.term || newer.termAt(newer.commitIndex) !== newer.term) continue;
      if (!older.isAwake || !older.leaseValid()) continue;
      const lease = `node ${older.nodeId} has a valid lease in term ${older.term}`;
      return `${lease} while node ${newer.nodeId} commits in term ${newer.term}`;
    }
  }
  return undefined;
}
