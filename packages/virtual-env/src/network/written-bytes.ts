import { assert } from '@d-engine/base';
import { contentHash } from '../fingerprint.ts';

interface Chunk {
  readonly bytes: Uint8Array;
  readonly hash: number;
}

/** What was written and not yet read, in order. */
export class WrittenBytes {
  #chunks: Chunk[] = [];
  #head = 0;
  /** Of the first chunk: how much was taken already. */
  #taken = 0;

  add(bytes: Uint8Array): void {
    this.#chunks.push({ bytes, hash: contentHash(bytes) });
  }

  /** A copy of the next `length` bytes, which must be there. */
  take(length: number): Uint8Array {
    // A Buffer, as sockets hand them out: its `slice` is a view, and no copy to keep.
    const copy = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const chunk = this.#chunks[this.#head];
      assert(chunk !== undefined, 'more bytes arrived than were written');
      const part = chunk.bytes.subarray(this.#taken, this.#taken + length - filled);
      copy.set(part, filled);
      filled += part.length;
      this.#taken += part.length;
      if (this.#taken === chunk.bytes.length) this.#advance(chunk);
    }
    return copy;
  }

  /** Bytes that a writer changes after the write are a bug of its own: TCP may have sent both. */
  #advance(chunk: Chunk): void {
    assert(contentHash(chunk.bytes) === chunk.hash, 'bytes were changed after they were written');
    this.#taken = 0;
    this.#head += 1;
    if (this.#head < 64 || this.#head * 2 < this.#chunks.length) return;
    this.#chunks = this.#chunks.slice(this.#head);
    this.#head = 0;
  }
}
