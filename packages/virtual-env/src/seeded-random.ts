import type { Random } from '@d-engine/base';
import { assert } from '@d-engine/base';

/**
 * sfc32: small, fast and good enough for PractRand. Not for secrets.
 *
 * A fork takes its seed from the parent's seed and a label, never from the parent's position: one
 * more draw on one host shifts nothing on another, so that a run stays comparable with its
 * neighbour.
 */
export class SeededRandom implements Random {
  readonly #path: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number | string) {
    this.#path = String(seed);
    [this.#a, this.#b, this.#c, this.#counter] = hashText(this.#path);
    for (let round = 0; round < 12; round++) this.uint32();
  }

  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.#path}/${label}`);
  }

  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  float(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.uint32() >>> 24;
    return bytes;
  }

  /** Uniform in [min, max). Costs one draw, whatever the range. */
  between(min: number, max: number): number {
    assert(min <= max, () => `an empty range from ${min} to ${max}`);
    return min + (this.uint32() / 2 ** 32) * (max - min);
  }

  /** A whole number from 0 to `bound` - 1. */
  integer(bound: number): number {
    assert(bound >= 1 && bound <= 2 ** 32, () => `${bound} is no bound for a whole number`);
    return Math.floor((this.uint32() / 2 ** 32) * bound);
  }

  /** Costs no draw for 0 and 1: a fault that is off leaves the run of the others alone. */
  chance(probability: number): boolean {
    if (probability <= 0) return false;
    if (probability >= 1) return true;
    return this.uint32() / 2 ** 32 < probability;
  }

  pick<T>(choices: readonly T[]): T {
    assert(choices.length > 0, 'nothing to pick from');
    return choices[this.integer(choices.length)] as T;
  }
}

/** cyrb128: spreads a short text over 128 bits. */
function hashText(text: string): [number, number, number, number] {
  let h1 = 1779033703;
  let h2 = 3144134277;
  let h3 = 1013904242;
  let h4 = 2773480762;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    h1 = h2 ^ Math.imul(h1 ^ unit, 597399067);
    h2 = h3 ^ Math.imul(h2 ^ unit, 2869860233);
    h3 = h4 ^ Math.imul(h3 ^ unit, 951274213);
    h4 = h1 ^ Math.imul(h4 ^ unit, 2716044179);
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067);
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233);
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213);
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179);
  return [h1 ^ h2 ^ h3 ^ h4, h2 ^ h1, h3 ^ h1, h4 ^ h1];
}
