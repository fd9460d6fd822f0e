import type { Entry } from '@d-engine/base';
import { isMembershipKind } from '@d-engine/raft';
import type { LogState } from './log-state.ts';
import type { RecordEffect } from './record-effect.ts';
import { ownCopy } from './record-effect.ts';
import type { LogPosition, RecordHeader } from './record-header.ts';
import { isBefore } from './record-header.ts';
import { entriesOfRecord } from './record-reader.ts';
import { TermStarts } from './term-starts.ts';

export interface StoredRecord {
  readonly header: RecordHeader;
  readonly body: Buffer;
  readonly position: LogPosition;
  readonly endOffset: number;
}

/** Adds a record whose bytes passed their checksum. Returns why it cannot stand here, if so. */
export function replay(state: LogState, record: StoredRecord): string | undefined {
  const { header, position } = record;
  const refusal = refusalOf(state, header, position);
  if (refusal !== undefined) return refusal;
  const termStarts = new TermStarts();
  termStarts.restartBehind(header.firstIndex - 1, header.previousTerm);
  const membershipEntries: Entry[] = [];
  let lastIndex = header.firstIndex - 1;
  for (const entry of entriesOfRecord(header, record.body)) {
    if (entry.index !== lastIndex + 1) return `entry ${entry.index} follows ${lastIndex}`;
    if (entry.term < termStarts.termAt(lastIndex)) return 'terms go back';
    termStarts.append(entry.index, entry.term);
    if (isMembershipKind(entry.kind)) membershipEntries.push(ownCopy(entry));
    lastIndex = entry.index;
  }
  if (header.commitIndex > lastIndex) return 'it commits what is not in the log';
  const effect: RecordEffect = {
    ...header,
    position,
    endOffset: record.endOffset,
    lastIndex,
    termStarts: termStarts.within(header.firstIndex, lastIndex),
    membershipEntries,
  };
  state.add(effect);
  return undefined;
}

function refusalOf(
  state: LogState,
  header: RecordHeader,
  position: LogPosition,
): string | undefined {
  const { firstIndex, sequence, removes, previousTerm } = header;
  const { lastIndex } = state;
  if (sequence !== state.sequence + 1) return `record ${sequence} follows record ${state.sequence}`;
  if (isBefore(position, header.durable)) return 'it claims more than stands before it';
  if (removes === 'everything') {
    return firstIndex <= state.commitIndex ? 'it goes back behind what was committed' : undefined;
  }
  if (removes === 'suffix' ? firstIndex > lastIndex + 1 : firstIndex !== lastIndex + 1) {
    return `index ${firstIndex} follows ${lastIndex}`;
  }
  if (firstIndex <= state.commitIndex) return 'it removes committed entries';
  // What stands before the first segment on disk is told by this very record.
  if (firstIndex <= state.follows.index) return undefined;
  if (previousTerm !== state.termStarts.termAt(firstIndex - 1)) {
    return `it expects another term before index ${firstIndex}`;
  }
  return undefined;
}
