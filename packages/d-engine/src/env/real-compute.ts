import { createHash } from 'node:crypto';
import { gunzip, gzip } from 'node:zlib';
import type { Compute } from '@d-engine/base';

/** What comes out of zlib at a time; each piece is one job of libuv's pool, and they stay short. */
const chunkSize = 64 * 1024;
/** About a quarter of a millisecond of hashing. */
const hashBytesPerTurn = 256 * 1024;

/**
 * Compression in libuv's pool, one job at a time: three of its four threads are always left to the
 * host and to files.
 */
export class RealCompute implements Compute {
  #last: Promise<unknown> = Promise.resolve();

  gzip(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#inTurn(
      () =>
        new Promise((resolve, reject) => {
          gzip(bytes, { chunkSize }, (error, result) => {
            if (error === null) resolve(result);
            else reject(error);
          });
        }),
    );
  }

  /** Rejects when more than `maxBytes` would come out; no more memory than that is used. */
  gunzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
    return this.#inTurn(
      () =>
        new Promise((resolve, reject) => {
          // zlib's own smallest bound is 1.
          const options = { chunkSize, maxOutputLength: Math.max(1, maxBytes) };
          gunzip(bytes, options, (error, result) => {
            if (error !== null) reject(error);
            else if (result.length > maxBytes) reject(new RangeError('more bytes than allowed'));
            else resolve(result);
          });
        }),
    );
  }

  /**
   * In slices between turns of the loop: the call that hashes in the pool wants one contiguous
   * copy, and making it would hold up the loop for longer than a slice does.
   */
  async sha256(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
    const hash = createHash('sha256');
    let inTurn = 0;
    for (const chunk of chunks) {
      for (let start = 0; start < chunk.length; start += hashBytesPerTurn) {
        const slice = chunk.subarray(start, start + hashBytesPerTurn);
        if (inTurn + slice.length > hashBytesPerTurn) {
          await new Promise((resolve) => setImmediate(resolve));
          inTurn = 0;
        }
        hash.update(slice);
        inTurn += slice.length;
      }
    }
    return hash.digest();
  }

  #inTurn<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
