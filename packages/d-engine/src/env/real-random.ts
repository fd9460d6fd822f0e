import { getRandomValues, randomBytes } from 'node:crypto';
import type { Random } from '@d-engine/base';

const twoTo26 = 2 ** 26;
const twoTo53 = 2 ** 53;
const wordsAtOnce = 128;

/** The operating system's random numbers, fetched some at a time. */
export class RealRandom implements Random {
  readonly #words: Uint32Array<ArrayBuffer> = new Uint32Array(wordsAtOnce);
  #used: number = wordsAtOnce;

  float(): number {
    // 53 bits, as many as a number in [0, 1) can tell apart.
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * twoTo26 + low) / twoTo53;
  }

  bytes(length: number): Uint8Array {
    return randomBytes(length);
  }

  #word(): number {
    if (this.#used === wordsAtOnce) {
      getRandomValues(this.#words);
      this.#used = 0;
    }
    const word = this.#words[this.#used] as number;
    this.#used += 1;
    return word;
  }
}
