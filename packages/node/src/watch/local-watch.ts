import type { ResumeToken, Watch, WatchBatch } from '@d-engine/base';
import { BatchReader, DEngineError } from '@d-engine/base';
import type { OpenWatch, WatcherRequest, WatchNotice, WatchOpener } from './watcher.ts';

/** A watch inside the member's own process: goes on by itself where its watcher was canceled. */
export class LocalWatch {
  readonly #opener: WatchOpener;
  #request: WatcherRequest;
  #reader!: BatchReader<WatchBatch>;
  #watcher: OpenWatch | undefined;
  /** Events may be lost up to there, and the caller was not told yet. */
  #resync: { readonly token: ResumeToken; readonly reason: string } | undefined;
  /** Whether the caller heard `ready`: to go on later is no news. */
  #isReady = false;

  constructor(opener: WatchOpener, request: WatcherRequest) {
    this.#opener = opener;
    this.#request = request;
  }

  start(signal: AbortSignal | undefined): Watch {
    this.#reader = new BatchReader<WatchBatch>(
      { take: () => this.#take(), close: () => this.#watcher?.close() },
      signal,
    );
    if (signal?.aborted !== true) this.#open();
    return this.#reader;
  }

  #take(): WatchBatch | undefined {
    for (;;) {
      const resync = this.#resync;
      if (resync !== undefined) {
        this.#resync = undefined;
        return { type: 'resync', ...resync };
      }
      const notice = this.#watcher?.next();
      if (notice === undefined) return undefined;
      if (notice.type === 'canceled') this.#goOn(notice.error);
      else if (this.#isNews(notice)) return notice;
    }
  }

  #isNews(notice: Exclude<WatchNotice, { readonly type: 'canceled' }>): boolean {
    this.#request = { ...this.#request, after: notice.token };
    if (notice.type !== 'ready') return true;
    const wasReady = this.#isReady;
    this.#isReady = true;
    return !wasReady;
  }

  #open(): void {
    const watcher = this.#opener.open(this.#request, () => this.#reader.wake());
    if (watcher instanceof DEngineError) this.#goOn(watcher);
    else {
      this.#watcher = watcher;
      // `From now on` stays what it was, should this watcher be canceled before it told anything.
      this.#request = watcher.request;
    }
  }

  /** From the last token, or behind what may be lost; else the watch has failed. */
  #goOn(error: DEngineError): void {
    this.#watcher = undefined;
    const { resumeAt } = error;
    if (error.name === 'WatchCompacted' && resumeAt !== undefined) {
      this.#resync = { token: resumeAt, reason: error.message };
      this.#request = { ...this.#request, after: resumeAt };
      this.#isReady = true;
      this.#open();
    } else if (error.name === 'WatchBufferOverflow') this.#open();
    else this.#reader.fail(error);
  }
}
