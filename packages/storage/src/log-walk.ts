import type { LogIndex } from '@d-engine/base';
import type { LogFiles } from './log-files.ts';
import { replay } from './log-replay.ts';
import { LogState } from './log-state.ts';
import type { LogPosition } from './record-header.ts';
import { RecordReader } from './record-reader.ts';
import type { LogDirectory } from './segment-files.ts';
import { segmentPath } from './segment-files.ts';
import type { SegmentHeader, SegmentStart } from './segment-header.ts';
import { decodeSegmentStart, segmentBytesMin, segmentHeaderBytes } from './segment-header.ts';
import type { SegmentSummary } from './segment-summary.ts';
import type { OpenSegment } from './segment-supply.ts';
import { StorageDamage, UnsupportedFormat } from './storage-errors.ts';
import { readSummary } from './summary-files.ts';

/** Where the walk over the records stopped, and why. */
export interface WalkEnd {
  readonly segment: OpenSegment;
  readonly offset: number;
  /** Undefined: nothing stands there. */
  readonly damage: string | undefined;
}

export interface LogWalkOptions {
  readonly mode: 'read' | 'readWrite';
  /**
   * Full segments without an entry above this one are taken for what their summaries say, if they
   * have one: a snapshot holds what is in them. All others are read: this member may have
   * acknowledged what only they hold. 0: all are read.
   */
  readonly coveredIndex: LogIndex;
}

const windowBytes = 1024 * 1024;

/**
 * Goes through the records of a log, in order, until they end. What it meets on its way that
 * cannot be right is damage; whether the end is one, {@link LogTail} tells. Changes nothing.
 */
export class LogWalk {
  readonly state: LogState = new LogState();
  /** Of full segments that had to be read because theirs was missing or no good. */
  readonly newSummaries: SegmentSummary[] = [];
  readonly #files: LogFiles;
  readonly #mode: 'read' | 'readWrite';
  readonly #coveredIndex: LogIndex;
  readonly #segmentIds: readonly number[];
  readonly #summaryIds: ReadonlySet<number>;

  constructor(files: LogFiles, names: LogDirectory, options: LogWalkOptions) {
    this.#files = files;
    this.#mode = options.mode;
    this.#coveredIndex = options.coveredIndex;
    this.#segmentIds = names.segmentIds;
    this.#summaryIds = new Set(names.summaryIds);
  }

  /** The segment where the records end stays open. */
  async run(): Promise<WalkEnd> {
    this.#refuseGaps();
    for (const [position, id] of this.#segmentIds.entries()) {
      const end = await this.#enter(id, position === 0, this.#segmentIds[position + 1]);
      if (end !== undefined) return end;
    }
    throw new Error('unreachable: the last segment ends the walk');
  }

  #refuseGaps(): void {
    const firstId = this.#segmentIds[0];
    if (firstId === undefined) throw this.damage(1, 0, 'the log has no file');
    for (const [position, id] of this.#segmentIds.entries()) {
      if (id === firstId + position) continue;
      throw this.damage(firstId + position, 0, 'the file is missing');
    }
  }

  /** Undefined: the log goes on in the next segment. */
  async #enter(
    segmentId: number,
    isFirst: boolean,
    nextId: number | undefined,
  ): Promise<WalkEnd | undefined> {
    const segment = await this.open(segmentId);
    let isEnd = false;
    try {
      const start = await this.startOf(segment);
      const next = nextId === undefined ? undefined : await this.#peekStart(nextId);
      if (start.type === 'header') this.#begin(start.header, segment, isFirst);
      else if (isFirst && segmentId > 1) throw this.#lostBeginning(segmentId, start);
      const nextHeader = next?.type === 'header' ? next.header : undefined;
      if (start.type === 'header' && nextHeader !== undefined) {
        const summary = await this.#findSummary(start.header, nextHeader);
        if (summary !== undefined) {
          this.state.addSummary(summary);
          return undefined;
        }
      }
      const end = await this.#read(segment, start);
      isEnd = end.damage !== undefined || nextHeader === undefined;
      if (isEnd || nextHeader === undefined) return end;
      this.#refuseLostEnd(end, nextHeader);
      this.newSummaries.push(this.state.summarizeLast());
      return undefined;
    } finally {
      if (!isEnd) await segment.file.close();
    }
  }

  /** Checks that a segment is what follows here. */
  #begin(header: SegmentHeader, segment: OpenSegment, isFirst: boolean): void {
    const { segmentId, capacity } = segment;
    const { state } = this;
    if (header.owner !== this.#files.owner) {
      const reason = `it was written by another data directory (${header.owner})`;
      throw this.damage(segmentId, 0, reason);
    }
    if (header.segmentId !== segmentId) {
      throw this.damage(segmentId, 0, `it is segment ${header.segmentId} under another name`);
    }
    if (header.capacity !== capacity) {
      const reason = `it has ${capacity} bytes instead of ${header.capacity}`;
      throw this.damage(segmentId, 0, reason);
    }
    // The files before it were purged; that a snapshot has what was in them is checked elsewhere.
    if (isFirst && segmentId > 1) {
      const follows = { index: header.firstIndex - 1, term: header.previousTerm };
      state.beginBehind(follows, header.firstSequence - 1);
      return;
    }
    if (header.firstSequence !== state.sequence + 1) {
      throw this.damage(segmentId, 0, `it starts with record ${header.firstSequence}`);
    }
    const previousTerm = state.termStarts.termAt(state.lastIndex);
    if (header.firstIndex !== state.lastIndex + 1 || header.previousTerm !== previousTerm) {
      throw this.damage(segmentId, 0, `it does not follow index ${state.lastIndex}`);
    }
  }

  /** Files are removed only when a later one is in use. */
  #lostBeginning(segmentId: number, start: SegmentStart): StorageDamage {
    if (start.type === 'damaged') {
      return this.damage(segmentId, 0, 'the header fails its checksum');
    }
    return this.damage(segmentId - 1, 0, 'the file is missing');
  }

  async #findSummary(
    header: SegmentHeader,
    next: SegmentHeader,
  ): Promise<SegmentSummary | undefined> {
    const { segmentId, firstSequence, capacity } = header;
    if (!this.#summaryIds.has(segmentId)) return undefined;
    const summary = await readSummary(this.#files, segmentId);
    if (summary === undefined || summary.firstSequence !== firstSequence) return undefined;
    // The segment may have grown since: after a crash its successor was not in use yet.
    if (summary.lastSequence + 1 !== next.firstSequence) return undefined;
    if (summary.lastIndex + 1 !== next.firstIndex) return undefined;
    if (summary.lastIndex > this.#coveredIndex) return undefined;
    return summary.endOffset <= capacity ? summary : undefined;
  }

  async #read(segment: OpenSegment, start: SegmentStart): Promise<WalkEnd> {
    const { segmentId, file, capacity } = segment;
    if (start.type !== 'header') {
      const damage = start.type === 'unused' ? undefined : 'the header fails its checksum';
      return { segment, offset: 0, damage };
    }
    const reader = new RecordReader({
      file,
      segmentId,
      owner: this.#files.owner,
      offset: segmentHeaderBytes,
      limit: capacity,
      windowBytes,
    });
    for (;;) {
      const read = await reader.next();
      if (read.type === 'end') return { segment, offset: read.offset, damage: undefined };
      if (read.type === 'damaged') return { segment, offset: read.offset, damage: read.reason };
      const { header, body, offset } = read;
      const position: LogPosition = { segmentId, offset };
      const endOffset = reader.offset;
      const refusal = replay(this.state, { header, body, position, endOffset });
      if (refusal !== undefined) throw this.damage(segmentId, offset, refusal);
    }
  }

  /** The next segment is in use, so everything before it was durable. */
  #refuseLostEnd(end: WalkEnd, next: SegmentHeader): void {
    if (next.firstSequence === this.state.sequence + 1) return;
    const { segment, offset } = end;
    throw this.damage(
      segment.segmentId,
      offset,
      `records up to ${next.firstSequence - 1} are gone`,
    );
  }

  async #peekStart(segmentId: number): Promise<SegmentStart> {
    const segment = await this.open(segmentId);
    try {
      return await this.startOf(segment);
    } finally {
      await segment.file.close();
    }
  }

  async startOf({ segmentId, file }: OpenSegment): Promise<SegmentStart> {
    const start = decodeSegmentStart(await file.read(0, segmentHeaderBytes));
    if (start.type !== 'unsupported') return start;
    throw new UnsupportedFormat(segmentPath(this.#files.directory, segmentId), start.version);
  }

  async open(segmentId: number): Promise<OpenSegment> {
    const { disk, directory } = this.#files;
    const file = await disk.open(segmentPath(directory, segmentId), this.#mode);
    const capacity = await file.size();
    if (capacity >= segmentBytesMin) return { segmentId, file, capacity };
    await file.close();
    // A segment has its full size before it gets its name.
    throw this.damage(segmentId, capacity, 'the file ends here');
  }

  damage(segmentId: number, offset: number, reason: string): StorageDamage {
    return new StorageDamage({
      file: segmentPath(this.#files.directory, segmentId),
      offset,
      reason,
    });
  }
}
