import type { Entry, LogIndex, Term } from '@d-engine/base';
import type { LogPosition, Removal } from './record-header.ts';
import type { TermStart } from './term-starts.ts';

/** What one record does to the log. The bytes of its entries stay on disk. */
export interface RecordEffect {
  readonly position: LogPosition;
  /** Where the next record goes. */
  readonly endOffset: number;
  readonly sequence: number;
  readonly removes: Removal;
  readonly firstIndex: LogIndex;
  /** Of the entry before `firstIndex`. */
  readonly previousTerm: Term;
  /** `firstIndex - 1` when it has no entry. */
  readonly lastIndex: LogIndex;
  /** Of its entries; where a term goes on from the record before, it may say so or not. */
  readonly termStarts: readonly TermStart[];
  /** Bootstrap and binding entries: few and small. */
  readonly membershipEntries: readonly Entry[];
  readonly commitIndex: LogIndex;
  /** What it says was durable when it was written. */
  readonly durable: LogPosition;
}

/** Without the buffer that it stands in, which is much larger. */
export function ownCopy(entry: Entry): Entry {
  const encoded = Buffer.allocUnsafeSlow(entry.encoded.length);
  encoded.set(entry.encoded);
  return { ...entry, encoded };
}
