import type { DiskFile, Entry, LogIndex } from '@d-engine/base';
import type { LogFiles } from './log-files.ts';
import type { LogState, Place } from './log-state.ts';
import { entriesOfRecord, RecordReader } from './record-reader.ts';
import { segmentPath } from './segment-files.ts';
import { StorageDamage } from './storage-errors.ts';

const readWindowBytes = 256 * 1024;

export interface LogSource extends LogFiles {
  readonly state: LogState;
}

/** Gathers entries until their bytes are enough; the first one always goes in. */
class EntryCollector {
  readonly entries: Entry[] = [];
  readonly #to: LogIndex;
  readonly #bytesMax: number;
  next: LogIndex;
  #bytes = 0;
  #isFull = false;

  constructor(from: LogIndex, to: LogIndex, bytesMax: number) {
    this.next = from;
    this.#to = to;
    this.#bytesMax = bytesMax;
  }

  get isDone(): boolean {
    return this.#isFull || this.next > this.#to;
  }

  offer(entry: Entry): void {
    if (this.isDone || entry.index !== this.next) return;
    const bytes = this.#bytes + entry.encoded.length;
    if (this.entries.length > 0 && bytes > this.#bytesMax) {
      this.#isFull = true;
      return;
    }
    this.entries.push(entry);
    this.#bytes = bytes;
    this.next += 1;
  }
}

/** Reads durable entries; `to` must be in the log. See `LogStore.read`. */
export async function readEntries(
  source: LogSource,
  from: LogIndex,
  to: LogIndex,
  bytesMax: number,
): Promise<Entry[]> {
  const collector = new EntryCollector(from, to, bytesMax);
  while (!collector.isDone) {
    const place = source.state.find(collector.next);
    const file = await source.disk.open(segmentPath(source.directory, place.segmentId), 'read');
    try {
      await collectFrom(source, file, place, place.nextIndex ?? to + 1, collector);
    } finally {
      await file.close();
    }
  }
  return collector.entries;
}

/** Walks from the place to where the next one takes over. */
async function collectFrom(
  source: LogSource,
  file: DiskFile,
  place: Place,
  nextIndex: LogIndex,
  collector: EntryCollector,
): Promise<void> {
  const reader = new RecordReader({
    file,
    segmentId: place.segmentId,
    owner: source.owner,
    offset: place.offset,
    limit: await file.size(),
    windowBytes: readWindowBytes,
  });
  while (!collector.isDone && collector.next < nextIndex) {
    const read = await reader.next();
    if (read.type !== 'record') {
      const reason = read.type === 'end' ? 'entries are gone from here on' : read.reason;
      const path = segmentPath(source.directory, place.segmentId);
      throw new StorageDamage({ file: path, offset: read.offset, reason });
    }
    for (const entry of entriesOfRecord(read.header, read.body)) {
      if (entry.index < nextIndex) collector.offer(entry);
    }
  }
}
