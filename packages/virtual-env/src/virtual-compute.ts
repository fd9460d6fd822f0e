import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Compute } from '@d-engine/base';
import type { Kernel } from './kernel.ts';
import type { Life } from './life.ts';
import type { SeededRandom } from './seeded-random.ts';

const bytesPerMebibyte = 1024 * 1024;

/** Real work, done at once when its virtual time is up. */
export class VirtualCompute implements Compute {
  readonly #kernel: Kernel;
  readonly #life: Life;
  readonly #random: SeededRandom;

  constructor(kernel: Kernel, life: Life, random: SeededRandom) {
    this.#kernel = kernel;
    this.#life = life;
    this.#random = random;
  }

  gzip(bytes: Uint8Array): Promise<Uint8Array> {
    return this.#perform('gzip', bytes.length, () => gzipSync(bytes));
  }

  gunzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
    const work = (): Uint8Array => gunzipSync(bytes, { maxOutputLength: maxBytes });
    return this.#perform('gunzip', bytes.length, work);
  }

  sha256(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
    let total = 0;
    for (const chunk of chunks) total += chunk.length;
    return this.#perform('sha256', total, () => {
      const hash = createHash('sha256');
      for (const chunk of chunks) hash.update(chunk);
      return hash.digest();
    });
  }

  #perform(name: string, bytes: number, work: () => Uint8Array): Promise<Uint8Array> {
    const { delayMs, delayMsPerMebibyte } = this.#kernel.options.compute;
    const base = this.#random.between(delayMs.min, delayMs.max);
    const delay = base + (bytes / bytesPerMebibyte) * delayMsPerMebibyte;
    return new Promise((resolve, reject) => {
      if (!this.#life.alive) return;
      this.#kernel.post(delay, this.#life, () => {
        this.#kernel.trace.record('compute', this.#life.gate.host, name, bytes);
        try {
          resolve(work());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }
}
