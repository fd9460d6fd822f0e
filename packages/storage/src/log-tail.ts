import { limits } from '@d-engine/base';
import type { LogFiles } from './log-files.ts';
import type { LogWalk, WalkEnd } from './log-walk.ts';
import type { LogPosition } from './record-header.ts';
import { isBefore } from './record-header.ts';
import type { OpenSegment } from './segment-supply.ts';
import type { TailScan } from './tail-scan.ts';
import { scanTail } from './tail-scan.ts';

/** A segment behind the end: prepared and unused, or the torn start of a new one. */
export interface LaterSegment {
  readonly segmentId: number;
  readonly capacity: number;
  /** After the last byte that is not zero. */
  readonly nonZeroEnd: number;
}

/** What stands behind the last record. */
export interface LogTail {
  readonly nonZeroEnd: number;
  readonly later: readonly LaterSegment[];
}

/**
 * Tells a torn end, which no write was acknowledged for, from damage below what was durable, which
 * it refuses. Changes nothing.
 */
export async function examineTail(
  files: LogFiles,
  walk: LogWalk,
  end: WalkEnd,
  laterIds: readonly number[],
): Promise<LogTail> {
  const { segment, offset, damage } = end;
  const position: LogPosition = { segmentId: segment.segmentId, offset };
  const refuseBelow = (durable: LogPosition | undefined): void => {
    if (durable === undefined || !isBefore(position, durable)) return;
    if (damage === undefined && durable.segmentId > segment.segmentId) {
      throw walk.damage(segment.segmentId + 1, 0, 'its header is gone or fails its checksum');
    }
    const reason = damage ?? 'records that were durable are gone from here on';
    throw walk.damage(segment.segmentId, offset, reason);
  };
  const scan = await scanFrom(files, segment, offset, damage !== undefined);
  refuseBelow(scan.durable);
  const later: LaterSegment[] = [];
  for (const segmentId of laterIds) {
    const behind = await walk.open(segmentId);
    try {
      const start = await walk.startOf(behind);
      const found = await scanFrom(files, behind, 0, start.type === 'damaged');
      refuseBelow(start.type === 'header' ? { segmentId, offset: 0 } : found.durable);
      later.push({ segmentId, capacity: behind.capacity, nonZeroEnd: found.nonZeroEnd });
    } finally {
      await behind.file.close();
    }
  }
  return { nonZeroEnd: scan.nonZeroEnd, later };
}

function scanFrom(
  files: LogFiles,
  segment: OpenSegment,
  from: number,
  isDamaged: boolean,
): Promise<TailScan> {
  const { file, segmentId, capacity } = segment;
  // No write reaches further than a batch, its headers included.
  const quietBytes = isDamaged ? capacity : limits.logBatchBytesMax;
  return scanTail({ file, segmentId, owner: files.owner, from, capacity, quietBytes });
}
