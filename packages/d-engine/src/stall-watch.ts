/**
 * Notices that something held up the event loop. The member notices what delays its own timers; a
 * lone one, or a follower between two heartbeats, has none for long, and the host wants to know.
 */
export class StallWatch {
  readonly #timer: NodeJS.Timeout;
  #lookedAtMs = performance.now();

  /** `onStall` is told of each stall longer than `stallMs`, once, after its end. */
  constructor(stallMs: number, onStall: (blockedMs: number) => void) {
    const everyMs = stallMs / looksPerStall;
    this.#timer = setInterval(() => {
      const now = performance.now();
      const blockedMs = now - this.#lookedAtMs - everyMs;
      this.#lookedAtMs = now;
      if (blockedMs > stallMs) onStall(blockedMs);
    }, everyMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** A stall is told by what it exceeds one look by: it is missed by at most a quarter. */
const looksPerStall = 4;
