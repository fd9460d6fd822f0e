import type { Logger } from '@d-engine/base';
import { DiskError, describeError } from '@d-engine/base';
import { asError } from './as-error.ts';
import type { LogFiles } from './log-files.ts';
import { removeIfPresent, temporarySuffix } from './replace-file.ts';
import { summaryPath } from './segment-files.ts';
import type { SegmentSummary } from './segment-summary.ts';
import { decodeSummary, encodeSummary } from './segment-summary.ts';

/** A thousand anchors take 16 KiB; what is larger is none, or saves nothing. */
const summaryBytesMax = 1024 * 1024;

/** Undefined: it is gone, or no good. */
export async function readSummary(
  { disk, directory, owner }: LogFiles,
  segmentId: number,
): Promise<SegmentSummary | undefined> {
  try {
    const file = await disk.open(summaryPath(directory, segmentId), 'read');
    try {
      const bytes = await file.read(0, Math.min(await file.size(), summaryBytesMax));
      return decodeSummary(bytes, segmentId, owner);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}

/**
 * Writes summaries in the background, one after another. Nothing depends on them but how long a
 * start takes, so none is synced, and none that could not be written is tried again.
 */
export class SummaryWriter {
  readonly #files: LogFiles;
  readonly #logger: Logger;
  #writing: Promise<void> = Promise.resolve();
  /** What says that the disk is not to be trusted; a full one is none. */
  failure: Error | undefined;

  constructor(files: LogFiles, logger: Logger) {
    this.#files = files;
    this.#logger = logger;
  }

  write(summary: SegmentSummary): void {
    this.#writing = this.#writing.then(() => this.#write(summary));
  }

  /** Resolves when nothing is being written; never rejects. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #write(summary: SegmentSummary): Promise<void> {
    const { disk, directory, owner } = this.#files;
    const bytes = encodeSummary(summary, owner);
    if (bytes.length > summaryBytesMax) return;
    const path = summaryPath(directory, summary.segmentId);
    const temporary = path + temporarySuffix;
    try {
      await removeIfPresent(disk, temporary);
      const file = await disk.open(temporary, 'create');
      try {
        await file.write(0, [bytes]);
      } finally {
        await file.close();
      }
      await disk.rename(temporary, path);
    } catch (thrown) {
      const cause = asError(thrown);
      if (!(cause instanceof DiskError) || cause.kind !== 'full') this.failure ??= cause;
      const { segmentId } = summary;
      this.#logger.warn('Log: the next start reads a segment, as it could not be summed up', {
        segmentId,
        error: describeError(cause),
      });
      await removeIfPresent(disk, temporary).catch(() => undefined);
    }
  }
}
