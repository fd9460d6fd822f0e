import type { Disk, DiskFile, Entry, InstanceId, Logger, LogIndex, Term } from '@d-engine/base';
import { assert, limits, must } from '@d-engine/base';
import { asError } from './as-error.ts';
import type { LogBatch, LogStore, RecoveredLog } from './contracts.ts';
import type { LogSource } from './log-reading.ts';
import { readEntries } from './log-reading.ts';
import type { RecoveredFiles } from './log-recovery.ts';
import { recoverLog } from './log-recovery.ts';
import type { LogPosition } from './record-header.ts';
import { recordAlignment } from './record-header.ts';
import { listSegments, preallocateSegment } from './segment-files.ts';
import { segmentBytesMin, segmentIdMax } from './segment-header.ts';
import { SegmentSupply } from './segment-supply.ts';
import type { BatchInProgress, LogCursor, WritePlan } from './write-plan.ts';
import { planWrite } from './write-plan.ts';

export interface SegmentedLogOptions {
  readonly disk: Disk;
  /** The directory of the segments; it exists. */
  readonly directory: string;
  /** The instance id of the data directory, 32 hex digits: ties every record to it. */
  readonly owner: InstanceId;
  readonly logger: Logger;
  /** Size of new segments but the first few; `limits.segmentBytes` unless told. */
  readonly segmentBytes?: number | undefined;
}

interface QueuedBatch extends BatchInProgress {
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/**
 * The log in segment files. One write is in flight at a time; what is appended meanwhile shares
 * the next one, so batching comes from load and a lone append never waits.
 */
export class SegmentedLog implements LogStore {
  readonly #source: LogSource;
  readonly #supply: SegmentSupply;
  readonly #cursor: LogCursor;
  #file: DiskFile;
  #queue: QueuedBatch[] = [];
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  /** What the queue leads to. Invariant: at least the cursor's. */
  #queuedLastIndex: LogIndex;
  #queuedCommitIndex: LogIndex;
  /** Everything before it is durable. */
  #durable: LogPosition;
  #durableLastIndex: LogIndex;
  /** Whether acknowledged records exist that no durable position on disk covers. */
  #hasUnmarked: boolean;
  #marker: Promise<void> | undefined;
  /** Rises with each truncation: a read that saw one starts again. */
  #truncations = 0;
  /** The first failure. Invariant: nothing is written once it is set. */
  #failure: Error | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  private constructor(source: LogSource, supply: SegmentSupply, files: RecoveredFiles) {
    const { replay, tail, tailOffset } = files;
    this.#source = source;
    this.#supply = supply;
    this.#file = tail.file;
    this.#cursor = {
      owner: source.owner,
      segmentId: tail.segmentId,
      capacity: tail.capacity,
      offset: tailOffset,
      sequence: replay.sequence,
      lastIndex: replay.lastIndex,
      termStarts: replay.termStarts,
      commitIndex: replay.commitIndex,
      recordedCommitIndex: replay.commitIndex,
    };
    this.#queuedLastIndex = replay.lastIndex;
    this.#queuedCommitIndex = replay.commitIndex;
    this.#durable = { segmentId: tail.segmentId, offset: tailOffset };
    this.#durableLastIndex = replay.lastIndex;
    this.#hasUnmarked = !replay.endsWithMarker;
  }

  /** Makes the first, empty segment; durable when it resolves. For a new data directory only. */
  static async create(options: SegmentedLogOptions): Promise<void> {
    const { disk, directory } = options;
    if ((await listSegments(disk, directory)).length > 0) return;
    await preallocateSegment(disk, directory, 1, checkedSegmentBytes(options));
  }

  /**
   * Recovers the log: when it resolves, all that it reports is durable. Rejects with
   * `StorageDamage`, `UnsupportedFormat` or, for entries of a newer release, `MalformedEntry`.
   */
  static async open(
    options: SegmentedLogOptions,
  ): Promise<{ log: SegmentedLog; recovered: RecoveredLog }> {
    const { disk, directory, owner, logger } = options;
    const segmentBytes = checkedSegmentBytes(options);
    const files = await recoverLog({ disk, directory, owner, logger, segmentBytes });
    const source = { disk, directory, owner, anchors: files.replay.anchors };
    const supply = new SegmentSupply({ disk, directory, segmentBytes, logger });
    try {
      const recovered = await describe(source, files);
      if (files.prepared !== undefined) supply.adopt(files.prepared);
      else supply.prepare(files.tail.segmentId + 1);
      return { log: new SegmentedLog(source, supply, files), recovered };
    } catch (error) {
      await files.tail.file.close();
      throw error;
    }
  }

  /** See `Storage.spaceProblem`. */
  get spaceProblem(): Error | undefined {
    return this.#supply.problem;
  }

  append(batch: LogBatch): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    assert(!this.#isClosed, 'an append after close');
    const { truncateFrom, entries, commitIndex } = batch;
    if (truncateFrom !== undefined) {
      assert(
        truncateFrom > this.#queuedCommitIndex && truncateFrom <= this.#queuedLastIndex + 1,
        () => `cannot remove from ${truncateFrom}: committed up to ${this.#queuedCommitIndex}`,
      );
      this.#queuedLastIndex = truncateFrom - 1;
    }
    const firstIndex = entries[0]?.index ?? this.#queuedLastIndex + 1;
    assert(
      firstIndex === this.#queuedLastIndex + 1,
      () => `entry ${firstIndex} does not follow ${this.#queuedLastIndex}`,
    );
    this.#queuedLastIndex += entries.length;
    assert(
      commitIndex <= this.#queuedLastIndex,
      () => `committed ${commitIndex} is not in the log`,
    );
    this.#queuedCommitIndex = Math.max(this.#queuedCommitIndex, commitIndex);
    return this.#enqueue(batch, false);
  }

  async read(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]> {
    assert(from >= 1 && from <= to, () => `reading from ${from} to ${to}`);
    assert(from <= this.#durableLastIndex, () => `entry ${from} is not durable`);
    // Truncations only happen when leaders change, so this ends.
    while (from <= this.#durableLastIndex) {
      const truncations = this.#truncations;
      try {
        const last = Math.min(to, this.#durableLastIndex);
        const entries = await readEntries(this.#source, from, last, bytesMax);
        if (truncations === this.#truncations) return entries;
      } catch (error) {
        if (truncations === this.#truncations) throw error;
      }
    }
    return [];
  }

  purge(upTo: LogIndex, term: Term): Promise<void> {
    return Promise.reject(new Error(`cannot purge up to ${upTo}@${term}: comes with its tests`));
  }

  get bytes(): number {
    return this.#cursor.offset;
  }

  idle(): Promise<void> {
    const failure = this.#failure ?? this.#supply.failure;
    if (failure !== undefined) return Promise.reject(failure);
    if (this.#marker !== undefined) return this.#marker;
    this.#supply.prepare(this.#cursor.segmentId + 1);
    if (!this.#hasUnmarked && !this.#isWriting) return Promise.resolve();
    const nothing = { reset: undefined, truncateFrom: undefined, entries: [], commitIndex: 0 };
    this.#marker = this.#enqueue(nothing, true).finally(() => {
      this.#marker = undefined;
    });
    return this.#marker;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Whoever appended has heard of a failure; closing gives back what is left either way.
    const marked = this.idle().catch(() => undefined);
    this.#isClosed = true;
    await marked;
    while (this.#isWriting) await this.#writing;
    await this.#supply.settled();
    await this.#file.close();
  }

  #enqueue(batch: LogBatch, isMarker: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, isMarker, truncated: false, entriesTaken: 0, resolve, reject });
      if (!this.#isWriting) this.#writing = this.#writeQueue();
    });
  }

  /** Never rejects. */
  async #writeQueue(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#queue.length > 0) await this.#writeOnce();
    } catch (thrown) {
      const cause = asError(thrown);
      this.#failure = cause;
      for (const batch of this.#queue) batch.reject(cause);
      this.#queue = [];
    } finally {
      this.#isWriting = false;
    }
  }

  async #writeOnce(): Promise<void> {
    // A disk that failed in the background is not to be trusted with this either.
    if (this.#supply.failure !== undefined) throw this.#supply.failure;
    const isMarker = this.#queue[0]?.isMarker === true;
    if (isMarker && !this.#hasUnmarked) return this.#settle(1);
    const plan = planWrite(this.#cursor, this.#queue, this.#durable);
    if (plan.bytes > 0) {
      await this.#file.writeAndSync(plan.offset, plan.chunks);
      this.#onDurable(plan);
    } else if (plan.batchesDone === 0) {
      // A full segment is followed by one whose header says the same as a marker; none is waited
      // for while there is nothing to put into it.
      if (isMarker && !this.#supply.isReady) return this.#settle(1);
      await this.#startNextSegment();
    }
    this.#settle(plan.batchesDone);
  }

  #onDurable(plan: WritePlan): void {
    const { segmentId } = this.#cursor;
    this.#durable = { segmentId, offset: plan.offset + plan.bytes };
    this.#durableLastIndex = plan.lastIndex;
    this.#hasUnmarked = plan.changesLog;
    for (const { firstIndex, position, truncates } of plan.records) {
      if (truncates) this.#truncations += 1;
      this.#source.anchors.add(firstIndex, position, truncates);
    }
  }

  #settle(batchCount: number): void {
    for (const batch of this.#queue.splice(0, batchCount)) batch.resolve();
  }

  /** Everything in the full segment is durable: only then may the next one be used. */
  async #startNextSegment(): Promise<void> {
    const cursor = this.#cursor;
    assert(cursor.offset > 0, 'an entry is larger than a segment');
    assert(cursor.segmentId < segmentIdMax, 'out of segment ids');
    const next = await this.#supply.take(cursor.segmentId + 1);
    await this.#file.close();
    this.#file = next.file;
    cursor.segmentId = next.segmentId;
    cursor.capacity = next.capacity;
    cursor.offset = 0;
    this.#supply.prepare(next.segmentId + 1);
  }
}

/** Reads the last entry through the ordinary path: it has to come back as it went in. */
async function describe(source: LogSource, files: RecoveredFiles): Promise<RecoveredLog> {
  const { firstIndex, lastIndex, termStarts, membershipEntries, commitIndex } = files.replay;
  let lastClusterTimeMs = 0;
  if (lastIndex > 0) {
    const last = must((await readEntries(source, lastIndex, lastIndex, 1))[0], 'the last entry');
    assert(last.term === termStarts.termAt(lastIndex), 'the last entry has another term');
    lastClusterTimeMs = last.clusterTimeMs;
  }
  return {
    firstIndex,
    precedingTerm: 0,
    lastIndex,
    termStarts: termStarts.toArray(),
    membershipEntries,
    commitIndex,
    lastClusterTimeMs,
  };
}

function checkedSegmentBytes(options: SegmentedLogOptions): number {
  const bytes = options.segmentBytes ?? limits.segmentBytes;
  assert(
    bytes >= segmentBytesMin && bytes < 2 ** 32 && bytes % recordAlignment === 0,
    () => `segments of ${bytes} bytes`,
  );
  return bytes;
}
