import type { Entry, Term } from '@d-engine/base';
import { encodeEntries, entryKinds } from '@d-engine/base';
import type { RecoveredState } from '../raft-config.ts';

/** Entries of one term from `firstIndex` on, with payloads of `payloadBytes`. */
export function entriesOf(
  firstIndex: number,
  count: number,
  term: Term,
  payloadBytes = 1,
): readonly Entry[] {
  const payload = new Uint8Array(payloadBytes);
  const proposals = Array.from({ length: count }, () => ({ kind: entryKinds.command, payload }));
  return encodeEntries(proposals, firstIndex, term, 5);
}

/** A disk on which nothing was ever written. */
export const nothingRecovered: RecoveredState = {
  hardState: undefined,
  snapshot: undefined,
  firstIndex: 1,
  precedingTerm: 0,
  lastIndex: 0,
  termStarts: [],
  membershipEntries: [],
  commitIndex: 0,
  lastClusterTimeMs: 0,
  everFormed: false,
  recovering: false,
  goneVoters: [],
};
