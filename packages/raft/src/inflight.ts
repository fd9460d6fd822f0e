import type { LogIndex } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';

/** Append messages that a peer has not acknowledged, oldest first: a ring of fixed size. */
export class Inflight {
  readonly #lastIndexes: LogIndex[] = [];
  readonly #bytes: number[] = [];
  #start = 0;
  #count = 0;
  #totalBytes = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= limits.inflightMessagesMax || this.#totalBytes >= limits.inflightBytesMax;
  }

  add(lastIndex: LogIndex, bytes: number): void {
    assert(!this.isFull, 'no append leaves over the limit');
    const slot = (this.#start + this.#count) % limits.inflightMessagesMax;
    this.#lastIndexes[slot] = lastIndex;
    this.#bytes[slot] = bytes;
    this.#count += 1;
    this.#totalBytes += bytes;
  }

  /** The peer has everything up to `index`. */
  freeUpTo(index: LogIndex): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] as number) <= index) {
      this.#totalBytes -= this.#bytes[this.#start] as number;
      this.#start = (this.#start + 1) % limits.inflightMessagesMax;
      this.#count -= 1;
    }
    assert(this.#totalBytes >= 0, 'bytes in flight');
  }

  clear(): void {
    this.#start = 0;
    this.#count = 0;
    this.#totalBytes = 0;
  }
}
