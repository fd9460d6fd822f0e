import type { Logger, LogIndex } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { LogFiles } from './log-files.ts';
import type { LogState } from './log-state.ts';
import type { LogTail } from './log-tail.ts';
import { examineTail } from './log-tail.ts';
import type { WalkEnd } from './log-walk.ts';
import { LogWalk } from './log-walk.ts';
import { listLog, segmentCapacity, segmentPath, summaryPath } from './segment-files.ts';
import type { SegmentSummary } from './segment-summary.ts';
import type { OpenSegment } from './segment-supply.ts';
import { rewriteAndSync, zeroAndSync } from './tail-repair.ts';

export interface LogRecoveryOptions extends LogFiles {
  readonly logger: Logger;
  /** A prepared segment of another size is made anew. */
  readonly segmentBytes: number;
  /** See {@link LogWalkOptions}. */
  readonly coveredIndex: LogIndex;
}

/** A log that may be appended to: all of it is durable, and zeros follow it. */
export interface RecoveredFiles {
  readonly state: LogState;
  /** The segment that the log ends in, open. */
  readonly tail: OpenSegment;
  /** Where the next record goes; 0: the segment has no header yet. */
  readonly tailOffset: number;
  /** The id of the segment after it, when it was prepared already. */
  readonly prepared: number | undefined;
  /** Of full segments that have none on disk. */
  readonly newSummaries: readonly SegmentSummary[];
}

/**
 * Reads the records of the last segment and what is known of the full ones, tells damage from a
 * torn tail and makes the tail durable again. Needs at least one segment. Each step may be repeated
 * after a crash.
 */
export async function recoverLog(options: LogRecoveryOptions): Promise<RecoveredFiles> {
  const { disk, directory } = options;
  const names = await listLog(disk, directory);
  // Nothing counts on them: a crash may bring them back.
  for (const path of names.leftovers) await disk.remove(path);
  const walk = new LogWalk(options, names, {
    mode: 'readWrite',
    coveredIndex: options.coveredIndex,
  });
  const end = await walk.run();
  try {
    const { segmentId } = end.segment;
    const laterIds = names.segmentIds.filter((id) => id > segmentId);
    const tail = await examineTail(options, walk, end, laterIds);
    const prepared = await clearLater(options, walk, segmentId, tail);
    await repairTail(options, walk.state, end, tail);
    await disk.syncDirectory(directory);
    for (const id of names.summaryIds) {
      if (id < (names.segmentIds[0] ?? 0) || id >= segmentId) {
        await disk.remove(summaryPath(directory, id));
      }
    }
    const { state, newSummaries } = walk;
    return { state, tail: end.segment, tailOffset: end.offset, prepared, newSummaries };
  } catch (error) {
    await end.segment.file.close();
    throw error;
  }
}

/** Returns the id of the next segment if it can be used. */
async function clearLater(
  options: LogRecoveryOptions,
  walk: LogWalk,
  tailId: number,
  { later }: LogTail,
): Promise<number | undefined> {
  let prepared: number | undefined;
  for (const { segmentId, capacity, nonZeroEnd } of later) {
    if (segmentId === tailId + 1 && capacity === segmentCapacity(segmentId, options.segmentBytes)) {
      const segment = await walk.open(segmentId);
      try {
        await zeroAndSync(segment.file, 0, nonZeroEnd);
      } finally {
        await segment.file.close();
      }
      prepared = segmentId;
    } else {
      await options.disk.remove(segmentPath(options.directory, segmentId));
    }
  }
  return prepared;
}

async function repairTail(
  options: LogRecoveryOptions,
  state: LogState,
  end: WalkEnd,
  tail: LogTail,
): Promise<void> {
  const { segment, offset } = end;
  if (tail.nonZeroEnd > offset) {
    options.logger.warn('Log: cut a torn tail, the end of a write that a crash interrupted', {
      file: segmentPath(options.directory, segment.segmentId),
      offset,
      bytes: tail.nonZeroEnd - offset,
      lastIndex: state.lastIndex,
    });
  }
  const { durable } = state;
  const from = durable.segmentId === segment.segmentId ? durable.offset : 0;
  assert(from <= offset, 'durable beyond the end of the log');
  await rewriteAndSync(segment.file, from, offset);
  await zeroAndSync(segment.file, offset, tail.nonZeroEnd);
}
