import { http2Limits } from './http2-limits.ts';

/** How a stream that is over came to its end. */
export type PastStream = 'never used' | 'ended' | 'reset here' | 'reset there';

/**
 * How the newest of the peer's or of one's own streams ended, so that what still comes for them is
 * judged rightly (RFC 9113, section 5.1): a ring by stream number, as old ones do not come back.
 */
export class RecentStreams {
  readonly #ring: PastStream[] = [];
  /** The newest stream that the ring knows of. */
  #newestId = 0;

  set(streamId: number, how: PastStream): void {
    this.#reach(streamId);
    if (this.#isKnown(streamId)) this.#ring[slotOf(streamId)] = how;
  }

  /** Of one that is too old to be known, the best is assumed: that what still comes crossed. */
  get(streamId: number): PastStream {
    if (!this.#isKnown(streamId)) return 'reset here';
    if (streamId > this.#newestId) return 'never used';
    return this.#ring[slotOf(streamId)] ?? 'never used';
  }

  /** Streams that were skipped were never used. */
  #reach(streamId: number): void {
    const first = Math.max(this.#newestId + 2, streamId - 2 * http2Limits.recentStreams + 2);
    for (let id = first; id < streamId; id += 2) this.#ring[slotOf(id)] = 'never used';
    if (streamId > this.#newestId) this.#newestId = streamId;
  }

  #isKnown(streamId: number): boolean {
    return streamId > this.#newestId - 2 * http2Limits.recentStreams;
  }
}

function slotOf(streamId: number): number {
  return (streamId >>> 1) & (http2Limits.recentStreams - 1);
}
