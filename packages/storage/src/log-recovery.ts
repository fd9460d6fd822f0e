import type { Disk, DiskFile, InstanceId, Logger } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import { LogReplay } from './log-replay.ts';
import type { LogPosition } from './record-header.ts';
import { isBefore } from './record-header.ts';
import { RecordReader } from './record-reader.ts';
import { listSegments, segmentCapacity, segmentPath } from './segment-files.ts';
import type { SegmentHeader, SegmentStart } from './segment-header.ts';
import { decodeSegmentStart, segmentBytesMin, segmentHeaderBytes } from './segment-header.ts';
import type { OpenSegment } from './segment-supply.ts';
import { StorageDamage, UnsupportedFormat } from './storage-errors.ts';
import { rewriteAndSync, zeroAndSync } from './tail-repair.ts';
import type { TailScan } from './tail-scan.ts';
import { scanTail } from './tail-scan.ts';

export interface LogRecoveryOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly owner: InstanceId;
  readonly logger: Logger;
  /** A prepared segment of another size is made anew. */
  readonly segmentBytes: number;
}

/** A log that may be appended to: all of it is durable, and zeros follow it. */
export interface RecoveredFiles {
  readonly replay: LogReplay;
  /** The segment that the log ends in, open. */
  readonly tail: OpenSegment;
  /** Where the next record goes; 0: the segment has no header yet. */
  readonly tailOffset: number;
  /** The id of the segment after it, when it was prepared already. */
  readonly prepared: number | undefined;
}

/** Where the walk over the records stopped, and why. */
interface Stop {
  readonly segment: OpenSegment;
  readonly offset: number;
  /** Undefined: nothing stands there. */
  readonly damage: string | undefined;
}

const recoveryWindowBytes = 1024 * 1024;

/**
 * Reads every record, tells damage from a torn tail and makes the tail durable again. Needs at
 * least one segment. Each step may be repeated after a crash.
 */
export async function recoverLog(options: LogRecoveryOptions): Promise<RecoveredFiles> {
  return new LogRecovery(options).run();
}

class LogRecovery {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #owner: InstanceId;
  readonly #logger: Logger;
  readonly #segmentBytes: number;
  readonly #replay = new LogReplay();

  constructor(options: LogRecoveryOptions) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#owner = options.owner;
    this.#logger = options.logger;
    this.#segmentBytes = options.segmentBytes;
  }

  async run(): Promise<RecoveredFiles> {
    const segmentIds = await listSegments(this.#disk, this.#directory);
    this.#refuseGaps(segmentIds);
    const stop = await this.#walk(segmentIds);
    try {
      const laterIds = segmentIds.filter((id) => id > stop.segment.segmentId);
      const prepared = await this.#checkTail(stop, laterIds);
      await this.#disk.syncDirectory(this.#directory);
      const { segment: tail, offset: tailOffset } = stop;
      return { replay: this.#replay, tail, tailOffset, prepared };
    } catch (error) {
      await stop.segment.file.close();
      throw error;
    }
  }

  #refuseGaps(segmentIds: readonly number[]): void {
    for (const [position, id] of segmentIds.entries()) {
      if (id === position + 1) continue;
      const file = segmentPath(this.#directory, position + 1);
      throw new StorageDamage({ file, offset: 0, reason: 'the file is missing' });
    }
    if (segmentIds.length > 0) return;
    const file = segmentPath(this.#directory, 1);
    throw new StorageDamage({ file, offset: 0, reason: 'the log has no file' });
  }

  /** Replays records until they end; the segment where they do stays open. */
  async #walk(segmentIds: readonly number[]): Promise<Stop> {
    for (const [position, id] of segmentIds.entries()) {
      const segment = await this.#open(id);
      try {
        const stop = await this.#walkSegment(segment);
        const nextId = segmentIds[position + 1];
        if (nextId === undefined || stop.damage !== undefined) return stop;
        const start = await this.#readStart(nextId);
        if (start.type !== 'header') return stop;
        this.#refuseLostEnd(stop, start.header);
      } catch (error) {
        await segment.file.close();
        throw error;
      }
      await segment.file.close();
    }
    throw new Error('unreachable: the last segment ends the walk');
  }

  async #walkSegment(segment: OpenSegment): Promise<Stop> {
    const { segmentId, file, capacity } = segment;
    const start = decodeSegmentStart(await file.read(0, segmentHeaderBytes));
    this.#refuseUnsupported(start, segmentId);
    if (start.type !== 'header') {
      const damage = start.type === 'unused' ? undefined : 'the header fails its checksum';
      return { segment, offset: 0, damage };
    }
    this.#checkHeader(start.header, segment);
    const reader = new RecordReader({
      file,
      segmentId,
      owner: this.#owner,
      offset: segmentHeaderBytes,
      limit: capacity,
      windowBytes: recoveryWindowBytes,
    });
    for (;;) {
      const read = await reader.next();
      if (read.type === 'end') return { segment, offset: read.offset, damage: undefined };
      if (read.type === 'damaged') return { segment, offset: read.offset, damage: read.reason };
      const position: LogPosition = { segmentId, offset: read.offset };
      const refusal = this.#replay.add(read.header, read.body, position);
      if (refusal !== undefined) throw this.#damage(position, refusal);
    }
  }

  #checkHeader(header: SegmentHeader, segment: OpenSegment): void {
    const at = { segmentId: segment.segmentId, offset: 0 };
    if (header.owner !== this.#owner) {
      throw this.#damage(at, `it was written by another data directory (${header.owner})`);
    }
    if (header.segmentId !== segment.segmentId) {
      throw this.#damage(at, `it is segment ${header.segmentId} under another name`);
    }
    if (header.capacity !== segment.capacity) {
      throw this.#damage(at, `it has ${segment.capacity} bytes instead of ${header.capacity}`);
    }
    if (header.firstSequence !== this.#replay.sequence + 1) {
      throw this.#damage(at, `it starts with record ${header.firstSequence}`);
    }
    const { lastIndex, termStarts } = this.#replay;
    if (
      header.firstIndex !== lastIndex + 1 ||
      header.previousTerm !== termStarts.termAt(lastIndex)
    ) {
      throw this.#damage(at, `it does not follow index ${lastIndex}`);
    }
  }

  /** The next segment is in use, so everything before it was durable. */
  #refuseLostEnd(stop: Stop, next: SegmentHeader): void {
    if (next.firstSequence === this.#replay.sequence + 1) return;
    const position = { segmentId: stop.segment.segmentId, offset: stop.offset };
    throw this.#damage(position, `records up to ${next.firstSequence - 1} are gone`);
  }

  /**
   * Refuses damage below a durable position; above it, cuts what a crash left half written.
   * Returns the id of the next segment if it can be used.
   */
  async #checkTail(stop: Stop, laterIds: readonly number[]): Promise<number | undefined> {
    const { segment, offset, damage } = stop;
    const end: LogPosition = { segmentId: segment.segmentId, offset };
    const scan = await this.#scan(segment, offset, damage !== undefined);
    this.#refuseBelow(end, scan.durable, damage);
    let prepared: number | undefined;
    for (const id of laterIds) {
      const isUsable = await this.#clearLater(id, end, damage);
      if (isUsable && id === segment.segmentId + 1) prepared = id;
      else await this.#disk.remove(segmentPath(this.#directory, id));
    }
    if (scan.nonZeroEnd > offset) {
      this.#logger.warn('Log: cut a torn tail, the end of a write that a crash interrupted', {
        file: segmentPath(this.#directory, segment.segmentId),
        offset,
        bytes: scan.nonZeroEnd - offset,
        lastIndex: this.#replay.lastIndex,
      });
    }
    const { durable } = this.#replay;
    const from = durable.segmentId === segment.segmentId ? durable.offset : 0;
    assert(from <= offset, 'durable beyond the end of the log');
    await rewriteAndSync(segment.file, from, offset);
    await zeroAndSync(segment.file, offset, scan.nonZeroEnd);
    return prepared;
  }

  /**
   * A segment behind the tail: prepared and unused, or the torn start of a new one. Returns
   * whether it can be used.
   */
  async #clearLater(
    segmentId: number,
    end: LogPosition,
    damage: string | undefined,
  ): Promise<boolean> {
    const segment = await this.#open(segmentId);
    try {
      const start = decodeSegmentStart(await segment.file.read(0, segmentHeaderBytes));
      this.#refuseUnsupported(start, segmentId);
      const scan = await this.#scan(segment, 0, start.type === 'damaged');
      const inUse = start.type === 'header' ? { segmentId, offset: 0 } : scan.durable;
      this.#refuseBelow(end, inUse, damage);
      await zeroAndSync(segment.file, 0, scan.nonZeroEnd);
      return segment.capacity === segmentCapacity(segmentId, this.#segmentBytes);
    } finally {
      await segment.file.close();
    }
  }

  #refuseBelow(end: LogPosition, durable: LogPosition | undefined, damage?: string): void {
    if (durable === undefined || !isBefore(end, durable)) return;
    if (damage === undefined && durable.segmentId > end.segmentId) {
      const next = { segmentId: end.segmentId + 1, offset: 0 };
      throw this.#damage(next, 'its header is gone or fails its checksum');
    }
    throw this.#damage(end, damage ?? 'records that were durable are gone from here on');
  }

  #scan(segment: OpenSegment, from: number, damaged: boolean): Promise<TailScan> {
    // No write reaches further than a batch, its headers included.
    const quietBytes = damaged ? segment.capacity : limits.logBatchBytesMax;
    const { file, segmentId, capacity } = segment;
    return scanTail({ file, segmentId, owner: this.#owner, from, capacity, quietBytes });
  }

  async #readStart(segmentId: number): Promise<SegmentStart> {
    const { file } = await this.#open(segmentId);
    try {
      const start = decodeSegmentStart(await file.read(0, segmentHeaderBytes));
      this.#refuseUnsupported(start, segmentId);
      return start;
    } finally {
      await file.close();
    }
  }

  #refuseUnsupported(start: SegmentStart, segmentId: number): void {
    if (start.type !== 'unsupported') return;
    throw new UnsupportedFormat(segmentPath(this.#directory, segmentId), start.version);
  }

  async #open(segmentId: number): Promise<OpenSegment> {
    const file: DiskFile = await this.#disk.open(
      segmentPath(this.#directory, segmentId),
      'readWrite',
    );
    const capacity = await file.size();
    if (capacity >= segmentBytesMin) return { segmentId, file, capacity };
    await file.close();
    // A segment has its full size before it gets its name.
    throw this.#damage({ segmentId, offset: capacity }, 'the file ends here');
  }

  #damage(position: LogPosition, reason: string): StorageDamage {
    const file = segmentPath(this.#directory, position.segmentId);
    return new StorageDamage({ file, offset: position.offset, reason });
  }
}
