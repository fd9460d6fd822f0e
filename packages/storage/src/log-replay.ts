import type { Entry, LogIndex } from '@d-engine/base';
import { entryKinds } from '@d-engine/base';
import { LogAnchors } from './log-index.ts';
import type { LogPosition, RecordHeader } from './record-header.ts';
import { isBefore } from './record-header.ts';
import { entriesOfRecord } from './record-reader.ts';
import { TermStarts } from './term-starts.ts';

/**
 * What the records of a log add up to, told one after another. It keeps positions and the few
 * entries that say who is a member, never all entries.
 */
export class LogReplay {
  readonly anchors: LogAnchors = new LogAnchors();
  readonly termStarts: TermStarts = new TermStarts();
  readonly firstIndex: LogIndex = 1;
  lastIndex: LogIndex = 0;
  /** Of the last record. */
  sequence = 0;
  /** The largest recorded. Invariant: at most `lastIndex`. */
  commitIndex: LogIndex = 0;
  /** The largest durable position that a record claims. */
  durable: LogPosition = { segmentId: 0, offset: 0 };
  /** Whether all that came before the last record is durable by its word. */
  endsWithMarker = true;
  /** Bootstrap and binding entries that still stand, rising. */
  #membershipEntries: Entry[] = [];

  /** Adds a record whose bytes passed their checksum. Returns why it cannot stand here, if so. */
  add(header: RecordHeader, body: Buffer, position: LogPosition): string | undefined {
    const refusal = this.#refusal(header, position);
    if (refusal !== undefined) return refusal;
    if (header.truncates) this.#truncateFrom(header.firstIndex);
    for (const entry of entriesOfRecord(header, body)) {
      const { lastIndex } = this;
      if (entry.index !== lastIndex + 1) return `entry ${entry.index} follows ${lastIndex}`;
      if (entry.term < this.termStarts.termAt(this.lastIndex)) return 'terms go back';
      this.termStarts.append(entry.index, entry.term);
      if (entry.kind === entryKinds.bootstrap || entry.kind === entryKinds.binding) {
        this.#membershipEntries.push(ownCopy(entry));
      }
      this.lastIndex = entry.index;
    }
    if (header.commitIndex > this.lastIndex) return 'it commits what is not in the log';
    this.sequence = header.sequence;
    this.endsWithMarker =
      header.entryCount === 0 && !header.truncates && !isBefore(header.durable, position);
    this.commitIndex = Math.max(this.commitIndex, header.commitIndex);
    if (isBefore(this.durable, header.durable)) this.durable = header.durable;
    this.anchors.add(header.firstIndex, position, header.truncates);
    return undefined;
  }

  get membershipEntries(): readonly Entry[] {
    return this.#membershipEntries;
  }

  #refusal(header: RecordHeader, position: LogPosition): string | undefined {
    const { firstIndex, sequence } = header;
    if (sequence !== this.sequence + 1) return `record ${sequence} follows record ${this.sequence}`;
    if (isBefore(position, header.durable)) return 'it claims more than stands before it';
    if (header.truncates ? firstIndex > this.lastIndex + 1 : firstIndex !== this.lastIndex + 1) {
      return `index ${firstIndex} follows ${this.lastIndex}`;
    }
    if (firstIndex <= this.commitIndex) return 'it removes committed entries';
    if (header.previousTerm !== this.termStarts.termAt(firstIndex - 1)) {
      return `it expects another term before index ${firstIndex}`;
    }
    return undefined;
  }

  #truncateFrom(index: LogIndex): void {
    this.termStarts.truncateFrom(index);
    while ((this.#membershipEntries.at(-1)?.index ?? 0) >= index) this.#membershipEntries.pop();
    this.lastIndex = index - 1;
  }
}

/** Without the buffer that it was read in. */
function ownCopy(entry: Entry): Entry {
  const encoded = Buffer.allocUnsafeSlow(entry.encoded.length);
  encoded.set(entry.encoded);
  return { ...entry, encoded };
}
