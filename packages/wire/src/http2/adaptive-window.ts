import type { Clock } from '@d-engine/base';

/** A window has room for what was under way when the link was full, and as much again. */
const headroom = 2;
/** The window is too small when a round trip filled this part of it. */
const fullPart = 2 / 3;
/** Measuring more often tells nothing new. */
const pauseMs = 50;

/**
 * Finds how much the link holds: what arrives between a PING and its answer is at most bandwidth
 * times round trip, and when that comes near to the window, the window is what limits it.
 */
export class AdaptiveWindow {
  readonly #clock: Clock;
  readonly #bytesMax: number;
  #windowBytes: number;
  #measuredBytes = 0;
  #isMeasuring = false;
  #nextMs = 0;

  constructor(clock: Clock, windowBytes: number, bytesMax: number) {
    this.#clock = clock;
    this.#windowBytes = windowBytes;
    this.#bytesMax = bytesMax;
  }

  /** Content came. True: send a PING, and call {@link answered} when its answer is here. */
  received(bytes: number): boolean {
    if (this.#isMeasuring) {
      this.#measuredBytes += bytes;
      return false;
    }
    if (this.#windowBytes >= this.#bytesMax || this.#clock.monotonicMs() < this.#nextMs) {
      return false;
    }
    this.#isMeasuring = true;
    this.#measuredBytes = bytes;
    return true;
  }

  /** The size that windows should have from now on, when it is another one. */
  answered(): number | undefined {
    if (!this.#isMeasuring) return undefined;
    this.#isMeasuring = false;
    this.#nextMs = this.#clock.monotonicMs() + pauseMs;
    if (this.#measuredBytes < this.#windowBytes * fullPart) return undefined;
    this.#nextMs = 0;
    this.#windowBytes = Math.min(this.#bytesMax, this.#measuredBytes * headroom);
    return this.#windowBytes;
  }
}
