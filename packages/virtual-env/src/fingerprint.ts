const timeAsDouble = new Float64Array(1);
const timeAsWords = new Uint32Array(timeAsDouble.buffer);

/** Names, methods and paths come again and again. */
const textHashes = new Map<string, number>();
const textHashesMax = 10_000;

function textHash(text: string): number {
  const known = textHashes.get(text);
  if (known !== undefined) return known;
  let hash = text.length;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    hash ^= hash >>> 15;
  }
  if (textHashes.size >= textHashesMax) textHashes.clear();
  textHashes.set(text, hash);
  return hash;
}

/** A rolling 64-bit hash of everything that happened: two runs are the same run if it agrees. */
export class Fingerprint {
  #h1 = 0x9e3779b9 | 0;
  #h2 = 0x7f4a7c15 | 0;

  mix(value: number): void {
    const h1 = Math.imul(this.#h1 ^ value, 0x85ebca6b);
    this.#h1 = ((h1 << 13) | (h1 >>> 19)) + this.#h2;
    this.#h1 |= 0;
    const h2 = Math.imul(this.#h2 ^ h1, 0xc2b2ae35);
    this.#h2 = (h2 << 17) | (h2 >>> 15);
  }

  mixDouble(value: number): void {
    timeAsDouble[0] = value;
    this.mix(timeAsWords[0] as number);
    this.mix(timeAsWords[1] as number);
  }

  mixText(text: string): void {
    this.mix(textHash(text));
  }

  /** 16 hex digits. */
  toString(): string {
    const words = [this.#h1, this.#h2].map((word) => (word >>> 0).toString(16).padStart(8, '0'));
    return words.join('');
  }
}

const wholeBytesMax = 256;
const sampledBytes = 128;

/**
 * A cheap hash of a message: all of a short one; of a long one its ends and evenly spaced bytes,
 * because hashing megabytes would cost more than the run that it checks.
 */
export function contentHash(bytes: Uint8Array): number {
  const length = bytes.length;
  let hash = length | 0;
  const step = length <= wholeBytesMax ? 1 : Math.floor(length / sampledBytes);
  for (let index = 0; index < length; index += step) {
    hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  }
  if (length > 0) hash = Math.imul(hash ^ (bytes[length - 1] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
