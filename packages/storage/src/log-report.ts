import { join } from 'node:path';
import type { Disk, LogIndex } from '@d-engine/base';
import type { EntryId } from './entry-id.ts';
import type { Identity } from './identity.ts';
import { IdentityFile, identityFileName } from './identity-file.ts';
import type { LogFiles } from './log-files.ts';
import type { LogTail } from './log-tail.ts';
import { examineTail } from './log-tail.ts';
import type { WalkEnd } from './log-walk.ts';
import { LogWalk } from './log-walk.ts';
import { logDirectoryName, missing } from './open-storage.ts';
import { listLog, segmentPath, summaryPath } from './segment-files.ts';
import type { SegmentSummary } from './segment-summary.ts';
import { encodeSummary } from './segment-summary.ts';
import { StorageDamage } from './storage-errors.ts';
import { readSummary } from './summary-files.ts';
import type { TermStart } from './term-starts.ts';

/** One file of the log, in their order. */
export interface ReportedFile {
  readonly file: string;
  /** The entries that stand in it; `from` above `to`: none. */
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly usedBytes: number;
}

/** What the files of a log say. */
export interface LogReport {
  readonly identity: Identity;
  readonly directory: string;
  /** What the first entry follows: (0, 0), or an entry that a snapshot has to hold. */
  readonly follows: EntryId;
  readonly lastIndex: LogIndex;
  /** At least: the newest may not be noted yet. */
  readonly commitIndex: LogIndex;
  readonly termStarts: readonly TermStart[];
  readonly files: readonly ReportedFile[];
  readonly preparedFiles: readonly string[];
  /** Behind the last record: a write that a crash cut short. */
  readonly unfinished: { readonly file: string; readonly offset: number; readonly bytes: number };
}

export interface LogReportOptions {
  readonly disk: Disk;
  /** The data directory: that of the node. */
  readonly directory: string;
  /** `summaries`: what is known of full files is believed. `everything`: each record is read. */
  readonly read: 'summaries' | 'everything';
}

/**
 * Reads the log of a node that does not run; changes nothing. Rejects with `StorageDamage`,
 * `UnsupportedFormat`, `MalformedEntry` or `DiskError`. Undefined: there is no log, as the
 * directory is that of no node, or of one whose first start was cut short.
 *
 * Requires: nobody writes meanwhile; a write that is under way looks like damage.
 */
export async function reportLog(options: LogReportOptions): Promise<LogReport | undefined> {
  const { disk, directory } = options;
  await disk.list(directory);
  const identity = await IdentityFile.read(disk, directory);
  const hasLog = await disk.exists(join(directory, logDirectoryName));
  if (identity === undefined) {
    if (hasLog) throw missing(directory, identityFileName);
    return undefined;
  }
  if (!identity.initialized) return undefined;
  if (!hasLog) throw missing(directory, logDirectoryName);
  return readLog(options, identity);
}

async function readLog(options: LogReportOptions, identity: Identity): Promise<LogReport> {
  const { disk } = options;
  const directory = join(options.directory, logDirectoryName);
  const files: LogFiles = { disk, directory, owner: identity.instanceId };
  const names = await listLog(disk, directory);
  const coveredIndex = options.read === 'summaries' ? Number.POSITIVE_INFINITY : 0;
  const walk = new LogWalk(files, names, { mode: 'read', coveredIndex });
  const end = await walk.run();
  try {
    const laterIds = names.segmentIds.filter((id) => id > end.segment.segmentId);
    const tail = await examineTail(files, walk, end, laterIds);
    for (const summary of walk.newSummaries) await compareSummary(files, summary);
    return describe(walk, { identity, directory, end, tail });
  } finally {
    await end.segment.file.close();
  }
}

/** A start would believe it. */
async function compareSummary(files: LogFiles, expected: SegmentSummary): Promise<void> {
  const { segmentId, lastSequence } = expected;
  const found = await readSummary(files, segmentId);
  if (found?.lastSequence !== lastSequence) return;
  if (encodeSummary(found, files.owner).equals(encodeSummary(expected, files.owner))) return;
  throw new StorageDamage({
    file: summaryPath(files.directory, segmentId),
    offset: 0,
    reason: 'it says something else than the records that it sums up',
    advice: 'The records are whole: remove this one file while the node is stopped.',
  });
}

interface Found {
  readonly identity: Identity;
  readonly directory: string;
  readonly end: WalkEnd;
  readonly tail: LogTail;
}

function describe(walk: LogWalk, { identity, directory, end, tail }: Found): LogReport {
  const { follows, lastIndex, commitIndex, termStarts, segments } = walk.state;
  const pathOf = (segmentId: number): string => segmentPath(directory, segmentId);
  return {
    identity,
    directory,
    follows,
    lastIndex,
    commitIndex,
    termStarts: termStarts.within(follows.index + 1, lastIndex),
    files: segments.map(({ segmentId, startIndex, endOffset }, position) => ({
      file: pathOf(segmentId),
      from: startIndex,
      to: (segments[position + 1]?.startIndex ?? lastIndex + 1) - 1,
      usedBytes: endOffset,
    })),
    preparedFiles: tail.later.map(({ segmentId }) => pathOf(segmentId)),
    unfinished: {
      file: pathOf(end.segment.segmentId),
      offset: end.offset,
      bytes: Math.max(tail.nonZeroEnd - end.offset, 0),
    },
  };
}
