import type { Disk, DiskFile, Entry, InstanceId, Logger, LogIndex, Term } from '@d-engine/base';
import { assert, limits, must } from '@d-engine/base';
import { asError } from './as-error.ts';
import type { LogBatch, LogStore, RecoveredLog } from './contracts.ts';
import type { EntryId } from './entry-id.ts';
import { LogPurge } from './log-purge.ts';
import type { LogSource } from './log-reading.ts';
import { readEntries } from './log-reading.ts';
import type { RecoveredFiles } from './log-recovery.ts';
import { recoverLog } from './log-recovery.ts';
import type { LogPosition } from './record-header.ts';
import { recordAlignment } from './record-header.ts';
import { listLog, preallocateSegment } from './segment-files.ts';
import { segmentBytesMin, segmentIdMax } from './segment-header.ts';
import { SegmentSupply } from './segment-supply.ts';
import { SummaryWriter } from './summary-files.ts';
import { TermStarts } from './term-starts.ts';
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
  /** What a durable snapshot holds: full segments up to here need not be read. None unless told. */
  readonly coveredIndex?: LogIndex | undefined;
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
  readonly #summaries: SummaryWriter;
  readonly #purge: LogPurge;
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
  /** Whether acknowledged records exist that no durable position on disk covers. */
  #hasUnmarked: boolean;
  #marker: Promise<void> | undefined;
  /** Rises with each removal of entries: a read that saw one starts again. */
  #removals = 0;
  /** The first failure. Invariant: nothing is written once it is set. */
  #failure: Error | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  private constructor(
    source: LogSource,
    supply: SegmentSupply,
    summaries: SummaryWriter,
    files: RecoveredFiles,
  ) {
    const { tail, tailOffset } = files;
    const { state } = source;
    this.#source = source;
    this.#supply = supply;
    this.#summaries = summaries;
    this.#purge = new LogPurge(source, state, summaries);
    this.#file = tail.file;
    this.#cursor = {
      owner: source.owner,
      segmentId: tail.segmentId,
      capacity: tail.capacity,
      offset: tailOffset,
      sequence: state.sequence,
      lastIndex: state.lastIndex,
      termStarts: new TermStarts(state.termStarts.toArray()),
      commitIndex: state.commitIndex,
      recordedCommitIndex: state.commitIndex,
    };
    this.#queuedLastIndex = state.lastIndex;
    this.#queuedCommitIndex = state.commitIndex;
    this.#durable = { segmentId: tail.segmentId, offset: tailOffset };
    this.#hasUnmarked = !state.endsWithMarker;
  }

  /** Makes the first, empty segment; durable when it resolves. For a new data directory only. */
  static async create(options: SegmentedLogOptions): Promise<void> {
    const { disk, directory } = options;
    if ((await listLog(disk, directory)).segmentIds.length > 0) return;
    await preallocateSegment(disk, directory, 1, checkedSegmentBytes(options));
  }

  /**
   * Recovers the log: when it resolves, all that it reports is durable. Rejects with
   * `StorageDamage`, `UnsupportedFormat` or, for entries of a newer release, `MalformedEntry`.
   */
  static async open(
    options: SegmentedLogOptions,
  ): Promise<{ log: SegmentedLog; recovered: RecoveredLog }> {
    const { disk, directory, owner, logger, coveredIndex = 0 } = options;
    const segmentBytes = checkedSegmentBytes(options);
    const place = { disk, directory, owner };
    const files = await recoverLog({ ...place, logger, segmentBytes, coveredIndex });
    const source = { ...place, state: files.state };
    const supply = new SegmentSupply({ disk, directory, segmentBytes, logger });
    const summaries = new SummaryWriter(source, logger);
    try {
      const recovered = await describe(source);
      const log = new SegmentedLog(source, supply, summaries, files);
      // Those in which nothing stands: a crash kept them from being removed.
      await log.#purge.purge(recovered.firstIndex - 1);
      for (const summary of files.newSummaries) summaries.write(summary);
      if (files.prepared !== undefined) supply.adopt(files.prepared);
      else supply.prepare(files.tail.segmentId + 1);
      return { log, recovered };
    } catch (error) {
      await files.tail.file.close();
      throw error;
    }
  }

  /** See `Storage.spaceProblem`. */
  get spaceProblem(): Error | undefined {
    return this.#supply.problem;
  }

  get #backgroundFailure(): Error | undefined {
    return this.#supply.failure ?? this.#summaries.failure;
  }

  append(batch: LogBatch): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    assert(!this.#isClosed, 'an append after close');
    const { reset, truncateFrom, entries, commitIndex } = batch;
    if (reset !== undefined) this.#checkReset(reset, truncateFrom);
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
    assert(from <= this.#source.state.lastIndex, () => `entry ${from} is not durable`);
    if (from < this.#purge.readableFrom) return [];
    return this.#purge.hold(this.#read(from, to, bytesMax));
  }

  async #read(from: LogIndex, to: LogIndex, bytesMax: number): Promise<Entry[]> {
    const { state } = this.#source;
    // Removals only happen when leaders change, so this ends.
    while (from <= state.lastIndex && from > state.follows.index) {
      const removals = this.#removals;
      try {
        const last = Math.min(to, state.lastIndex);
        const entries = await readEntries(this.#source, from, last, bytesMax);
        if (removals === this.#removals) return entries;
      } catch (error) {
        if (removals === this.#removals) throw error;
      }
    }
    return [];
  }

  async purge(upTo: LogIndex, term: Term): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    assert(!this.#isClosed, 'a purge after close');
    const { state } = this.#source;
    assert(upTo <= this.#queuedLastIndex, () => `purging up to ${upTo}, which is not in the log`);
    assert(
      upTo < state.follows.index ||
        upTo > state.lastIndex ||
        state.termStarts.termAt(upTo) === term,
      () => `entry ${upTo} is not of term ${term}`,
    );
    this.#queuedCommitIndex = Math.max(this.#queuedCommitIndex, upTo);
    try {
      await this.#purge.purge(upTo);
      this.#cursor.termStarts.forgetBefore(state.follows.index);
    } catch (thrown) {
      this.#failure ??= asError(thrown);
      throw this.#failure;
    }
  }

  get bytes(): number {
    return this.#source.state.bytes;
  }

  #checkReset(reset: EntryId, truncateFrom: LogIndex | undefined): void {
    assert(truncateFrom === undefined, 'a reset leaves nothing to truncate');
    assert(
      reset.index >= this.#queuedCommitIndex,
      () => `going back to ${reset.index}: committed up to ${this.#queuedCommitIndex}`,
    );
    this.#queuedLastIndex = reset.index;
    this.#queuedCommitIndex = reset.index;
  }

  idle(): Promise<void> {
    const failure = this.#failure ?? this.#backgroundFailure;
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
    await Promise.all([this.#supply.settled(), this.#purge.settled(), this.#summaries.settled()]);
    await this.#file.close();
  }

  #enqueue(batch: LogBatch, isMarker: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, isMarker, hasRemoved: false, entriesTaken: 0, resolve, reject });
      if (!this.#isWriting) this.#writing = this.#writeQueue();
    });
  }

  /** Never rejects. */
  async #writeQueue(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#queue.length > 0) {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#writeOnce();
      }
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
    if (this.#backgroundFailure !== undefined) throw this.#backgroundFailure;
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
    this.#hasUnmarked = plan.changesLog;
    const { state } = this.#source;
    const last = state.segments.at(-1);
    if (last !== undefined && last.segmentId < segmentId) {
      this.#summaries.write(state.summarizeLast());
    }
    let resetsTo: LogIndex | undefined;
    for (const record of plan.records) {
      state.add(record);
      if (record.removes !== 'nothing') this.#removals += 1;
      if (record.removes === 'everything') resetsTo = record.firstIndex - 1;
    }
    if (resetsTo !== undefined) this.#forgetReplaced(resetsTo);
  }

  /** Gives back what a snapshot took the place of. */
  #forgetReplaced(upTo: LogIndex): void {
    this.#purge.purge(upTo).catch((thrown: unknown) => {
      this.#failure ??= asError(thrown);
    });
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
async function describe(source: LogSource): Promise<RecoveredLog> {
  const { follows, lastIndex, termStarts, membershipEntries, commitIndex } = source.state;
  const firstIndex = follows.index + 1;
  let lastClusterTimeMs = 0;
  if (lastIndex >= firstIndex) {
    const last = must((await readEntries(source, lastIndex, lastIndex, 1))[0], 'the last entry');
    assert(last.term === termStarts.termAt(lastIndex), 'the last entry has another term');
    lastClusterTimeMs = last.clusterTimeMs;
  }
  return {
    firstIndex,
    precedingTerm: follows.term,
    lastIndex,
    termStarts: termStarts.within(firstIndex, lastIndex),
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
