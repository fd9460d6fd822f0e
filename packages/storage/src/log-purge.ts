import type { Entry, LogIndex } from '@d-engine/base';
import type { LogFiles } from './log-files.ts';
import type { LogState } from './log-state.ts';
import { removeIfPresent } from './replace-file.ts';
import { segmentPath, summaryPath } from './segment-files.ts';
import type { SummaryWriter } from './summary-files.ts';

/**
 * Gives back the files that hold only entries which a snapshot has, the oldest first. One file is
 * gone for good before the next one goes: whatever a crash leaves has no gap.
 */
export class LogPurge {
  readonly #files: LogFiles;
  readonly #state: LogState;
  readonly #summaries: SummaryWriter;
  readonly #reads = new Set<Promise<unknown>>();
  #upTo: LogIndex = 0;
  #readableFrom: LogIndex = 0;
  #running: Promise<void> | undefined;

  constructor(files: LogFiles, state: LogState, summaries: SummaryWriter) {
    this.#files = files;
    this.#state = state;
    this.#summaries = summaries;
  }

  /** What is below may be gone before a read of it is done. */
  get readableFrom(): LogIndex {
    return Math.max(this.#readableFrom, this.#state.follows.index + 1);
  }

  /** The files stay until it is done. */
  async hold(read: Promise<Entry[]>): Promise<Entry[]> {
    const done = read.catch(() => undefined);
    this.#reads.add(done);
    try {
      return await read;
    } finally {
      this.#reads.delete(done);
    }
  }

  /** Whatever is asked for meanwhile is done with it. A failure is final. */
  purge(upTo: LogIndex): Promise<void> {
    this.#upTo = Math.max(this.#upTo, upTo);
    this.#running ??= this.#summaries.settled().then(() => this.#run());
    return this.#running;
  }

  /** Never rejects. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const count = this.#state.countUpTo(this.#upTo);
        const next = this.#state.segments[count];
        if (count === 0 || next === undefined) return;
        this.#readableFrom = next.startIndex;
        await Promise.all([...this.#reads, this.#summaries.settled()]);
        for (let removed = 0; removed < count; removed++) await this.#removeFirst();
      }
    } finally {
      this.#running = undefined;
    }
  }

  async #removeFirst(): Promise<void> {
    const { disk, directory } = this.#files;
    const segmentId = this.#state.segments[0]?.segmentId ?? 0;
    this.#state.removeFirst();
    await removeIfPresent(disk, summaryPath(directory, segmentId));
    await disk.remove(segmentPath(directory, segmentId));
    await disk.syncDirectory(directory);
  }
}
