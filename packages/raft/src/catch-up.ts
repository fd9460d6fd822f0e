import type { LogIndex } from '@d-engine/base';

/**
 * How fast a learner comes after its leader (Raft dissertation, section 4.2.1): in rounds, each of
 * which brings it to where the log ended when the round began. A voter that needs longer for one
 * than an election timeout would hold up commits when it is counted.
 */
export class CatchUp {
  #target: LogIndex | undefined;
  #startedMs = 0;
  #lastRoundMs: number | undefined;

  /** The learner holds everything up to `matchIndex`; the log ends at `lastIndex`. */
  acknowledged(matchIndex: LogIndex, lastIndex: LogIndex, atMs: number): void {
    if (this.#target !== undefined && matchIndex >= this.#target) {
      this.#lastRoundMs = atMs - this.#startedMs;
      this.#target = undefined;
    }
    if (this.#target !== undefined) return;
    if (matchIndex >= lastIndex) {
      this.#lastRoundMs ??= 0;
      return;
    }
    this.#target = lastIndex;
    this.#startedMs = atMs;
  }

  /** Another data directory begins to learn. */
  startOver(): void {
    this.#target = undefined;
    this.#lastRoundMs = undefined;
  }

  /** Whether its last round took no longer than this. */
  isWithin(durationMs: number): boolean {
    return this.#lastRoundMs !== undefined && this.#lastRoundMs <= durationMs;
  }
}
