import { crc32 } from 'node:zlib';
import type { Entry, InstanceId, LogIndex } from '@d-engine/base';
import { assert, limits, must } from '@d-engine/base';
import { isMembershipKind } from '@d-engine/raft';
import type { LogBatch } from './contracts.ts';
import type { EntryId } from './entry-id.ts';
import type { RecordEffect } from './record-effect.ts';
import { ownCopy } from './record-effect.ts';
import type { LogPosition, Removal } from './record-header.ts';
import {
  alignUp,
  encodeRecordHeader,
  recordExtent,
  recordHeaderBytes,
  recordSeed,
} from './record-header.ts';
import { encodeSegmentHeader, segmentHeaderBytes } from './segment-header.ts';
import type { TermStart, TermStarts } from './term-starts.ts';

/**
 * A record is closed here: reading one entry back costs one record. A larger entry is a record of
 * its own.
 */
const recordBodyTargetBytes = 1024 * 1024;

const padding: Uint8Array = new Uint8Array(8);

/** Where the next record goes and what it follows. Moves on as writes are planned. */
export interface LogCursor {
  readonly owner: InstanceId;
  segmentId: number;
  capacity: number;
  /** 0: the segment has no header yet. */
  offset: number;
  sequence: number;
  lastIndex: LogIndex;
  readonly termStarts: TermStarts;
  /** Invariant: at most `lastIndex`. */
  commitIndex: LogIndex;
  /** The largest that a record carries. */
  recordedCommitIndex: LogIndex;
}

/** A batch on its way to the disk, perhaps in parts. */
export interface BatchInProgress {
  readonly batch: LogBatch;
  /** An empty record, to note what is durable. */
  readonly isMarker: boolean;
  /** What it takes away from the log is planned. */
  hasRemoved: boolean;
  entriesTaken: number;
}

/** One write to the tail segment. */
export interface WritePlan {
  readonly offset: number;
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
  readonly records: readonly RecordEffect[];
  /** How many batches are complete once it is durable. */
  readonly batchesDone: number;
  /** False when it only tells what is durable or committed. */
  readonly changesLog: boolean;
}

/**
 * Lays out as many of the batches as fit in one write and in the segment. A plan without a chunk
 * and with batches left says that the segment is full.
 */
export function planWrite(
  cursor: LogCursor,
  batches: readonly BatchInProgress[],
  durable: LogPosition,
): WritePlan {
  const builder = new WriteBuilder(cursor, durable);
  let batchesDone = 0;
  for (const batch of batches) {
    // A marker tells what was durable before its write, so it has one of its own.
    if (batch.isMarker && batchesDone > 0) break;
    if (!builder.add(batch)) break;
    batchesDone += 1;
    if (batch.isMarker) break;
  }
  return builder.finish(batchesDone);
}

class WriteBuilder {
  readonly #cursor: LogCursor;
  readonly #durable: LogPosition;
  readonly #seed: number;
  readonly #start: number;
  readonly #chunks: Uint8Array[] = [];
  readonly #records: RecordEffect[] = [];
  /** The record being filled; undefined between records. */
  #header: Buffer | undefined;
  #changesLog = false;
  #firstIndex: LogIndex = 0;
  #removes: Removal = 'nothing';
  #previousTerm = 0;
  #termStarts: TermStart[] = [];
  #membershipEntries: Entry[] = [];
  #entryCount = 0;
  #bodyBytes = 0;
  #bodyCrc = 0;
  /** Entries that stand side by side in one buffer, as those of one batch do: one chunk. */
  #runBuffer: ArrayBufferLike | undefined;
  #runStart = 0;
  #runEnd = 0;

  constructor(cursor: LogCursor, durable: LogPosition) {
    this.#cursor = cursor;
    this.#durable = durable;
    this.#seed = recordSeed(cursor.owner, cursor.segmentId);
    this.#start = cursor.offset;
  }

  /** False when it did not fit, or only a part of it did. */
  add(progress: BatchInProgress): boolean {
    const { reset, truncateFrom, entries, commitIndex } = progress.batch;
    const removesFrom = reset === undefined ? truncateFrom : reset.index + 1;
    if (entries.length === 0 && removesFrom === undefined) {
      return this.#tell(progress.isMarker, commitIndex);
    }
    if (removesFrom !== undefined && !progress.hasRemoved) {
      const firstBytes = entries[0]?.encoded.length ?? 0;
      if (!this.#openRecord(removesFrom, firstBytes)) return false;
      if (reset === undefined) this.#removeSuffix();
      else this.#removeEverything(reset);
      progress.hasRemoved = true;
    }
    while (progress.entriesTaken < entries.length) {
      const entry = must(entries[progress.entriesTaken], 'entry');
      if (!this.#addEntry(entry)) return false;
      progress.entriesTaken += 1;
    }
    this.#cursor.commitIndex = Math.max(this.#cursor.commitIndex, commitIndex);
    return true;
  }

  finish(batchesDone: number): WritePlan {
    this.#closeRecord();
    const { offset } = this.#cursor;
    return {
      offset: this.#start,
      chunks: this.#chunks,
      bytes: offset - this.#start,
      records: this.#records,
      batchesDone,
      changesLog: this.#changesLog,
    };
  }

  /** A record without entries, unless one is being filled that says the same. */
  #tell(isMarker: boolean, commitIndex: LogIndex): boolean {
    const cursor = this.#cursor;
    const isNews = isMarker || commitIndex > cursor.recordedCommitIndex;
    if (isNews && this.#header === undefined) {
      if (!this.#openRecord(cursor.lastIndex + 1, 0)) return false;
    }
    cursor.commitIndex = Math.max(cursor.commitIndex, commitIndex);
    return true;
  }

  #addEntry(entry: Entry): boolean {
    const cursor = this.#cursor;
    const bytes = entry.encoded.length;
    assert(entry.index === cursor.lastIndex + 1, () => `appending entry ${entry.index}`);
    const isFull = this.#bodyBytes > 0 && this.#bodyBytes + bytes > recordBodyTargetBytes;
    if (this.#header === undefined || isFull) {
      if (!this.#openRecord(entry.index, bytes)) return false;
    } else if (!this.#fits(cursor.offset, this.#bodyBytes + bytes)) {
      return false;
    }
    this.#extendRun(entry.encoded);
    this.#bodyBytes += bytes;
    this.#entryCount += 1;
    this.#changesLog = true;
    cursor.lastIndex = entry.index;
    cursor.termStarts.append(entry.index, entry.term);
    if (this.#termStarts.at(-1)?.term !== entry.term) {
      this.#termStarts.push({ index: entry.index, term: entry.term });
    }
    if (isMembershipKind(entry.kind)) this.#membershipEntries.push(ownCopy(entry));
    return true;
  }

  /** Begins a record if it and `bodyBytes` fit. Closes the one before. */
  #openRecord(firstIndex: LogIndex, bodyBytes: number): boolean {
    const cursor = this.#cursor;
    const end = cursor.offset + (this.#header === undefined ? 0 : recordExtent(this.#bodyBytes));
    const start = end === 0 ? segmentHeaderBytes : end;
    if (!this.#fits(start, bodyBytes)) return false;
    this.#closeRecord();
    if (cursor.offset === 0) this.#addSegmentHeader();
    assert(cursor.offset === start, 'a record starts where another one was expected');
    this.#header = Buffer.allocUnsafe(recordHeaderBytes);
    this.#chunks.push(this.#header);
    this.#firstIndex = firstIndex;
    this.#removes = 'nothing';
    this.#previousTerm = cursor.termStarts.termAt(firstIndex - 1);
    this.#termStarts = [];
    this.#membershipEntries = [];
    this.#entryCount = 0;
    this.#bodyBytes = 0;
    this.#bodyCrc = this.#seed;
    return true;
  }

  /** What the new record starts with and all after it. */
  #removeSuffix(): void {
    const cursor = this.#cursor;
    const from = this.#firstIndex;
    assert(from > cursor.commitIndex, () => `removing committed entry ${from}`);
    cursor.termStarts.truncateFrom(from);
    cursor.lastIndex = from - 1;
    this.#removes = 'suffix';
    this.#changesLog = true;
  }

  /** The new record begins the log anew, behind a snapshot. */
  #removeEverything(follows: EntryId): void {
    const cursor = this.#cursor;
    assert(follows.index >= cursor.commitIndex, () => `going back to ${follows.index}`);
    cursor.termStarts.restartBehind(follows.index, follows.term);
    cursor.lastIndex = follows.index;
    cursor.commitIndex = follows.index;
    this.#previousTerm = follows.term;
    this.#removes = 'everything';
    this.#changesLog = true;
  }

  #fits(recordStart: number, bodyBytes: number): boolean {
    const end = recordStart + recordExtent(bodyBytes);
    return end <= this.#cursor.capacity && end - this.#start <= limits.logBatchBytesMax;
  }

  #addSegmentHeader(): void {
    const { owner, segmentId, capacity, sequence, lastIndex, termStarts } = this.#cursor;
    this.#chunks.push(
      encodeSegmentHeader({
        segmentId,
        firstIndex: lastIndex + 1,
        previousTerm: termStarts.termAt(lastIndex),
        firstSequence: sequence + 1,
        owner,
        capacity,
      }),
    );
    this.#cursor.offset = segmentHeaderBytes;
  }

  #extendRun(encoded: Uint8Array): void {
    const { buffer, byteOffset, length } = encoded;
    if (this.#runBuffer === buffer && this.#runEnd === byteOffset) {
      this.#runEnd = byteOffset + length;
      return;
    }
    this.#flushRun();
    this.#runBuffer = buffer;
    this.#runStart = byteOffset;
    this.#runEnd = byteOffset + length;
  }

  #flushRun(): void {
    if (this.#runBuffer === undefined) return;
    const run = new Uint8Array(this.#runBuffer, this.#runStart, this.#runEnd - this.#runStart);
    this.#bodyCrc = crc32(run, this.#bodyCrc);
    this.#chunks.push(run);
    this.#runBuffer = undefined;
  }

  #closeRecord(): void {
    if (this.#header === undefined) return;
    const cursor = this.#cursor;
    this.#flushRun();
    const paddingBytes = alignUp(this.#bodyBytes) - this.#bodyBytes;
    if (paddingBytes > 0) {
      const zeros = padding.subarray(0, paddingBytes);
      this.#bodyCrc = crc32(zeros, this.#bodyCrc);
      this.#chunks.push(zeros);
    }
    assert(cursor.commitIndex <= cursor.lastIndex, 'what is committed is in the log');
    cursor.sequence += 1;
    cursor.recordedCommitIndex = cursor.commitIndex;
    const { segmentId, sequence, commitIndex, offset, lastIndex } = cursor;
    const told = {
      sequence,
      firstIndex: this.#firstIndex,
      removes: this.#removes,
      previousTerm: this.#previousTerm,
      commitIndex,
      durable: this.#durable,
    };
    const body = { bodyBytes: this.#bodyBytes, bodyCrc: this.#bodyCrc };
    const record = { ...told, ...body, segmentId, entryCount: this.#entryCount };
    encodeRecordHeader(this.#header, record, this.#seed);
    this.#records.push({
      ...told,
      position: { segmentId, offset },
      endOffset: offset + recordExtent(this.#bodyBytes),
      lastIndex,
      termStarts: this.#termStarts,
      membershipEntries: this.#membershipEntries,
    });
    cursor.offset += recordExtent(this.#bodyBytes);
    this.#header = undefined;
    this.#bodyBytes = 0;
  }
}
