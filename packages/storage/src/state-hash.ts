/** What one key contributes to the hash; kept beside the key so that it can be taken out again. */
export interface HashLanes {
  hashLow: number;
  hashHigh: number;
}

/** Everything about a key that replicas must agree on. */
export interface HashedMeta {
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly expiresAt: number;
  readonly lease: number;
}

const twoTo32 = 2 ** 32;
// Multipliers of MurmurHash3 and xxHash32. The result stays on one kind of software, but it is
// compared between releases: changing any of these needs a new version of the verify entry.
const lowMultiplier = 0xcc9e2d51 | 0;
const highMultiplier = 0x85ebca77 | 0;

/**
 * A hash of all keys that does not depend on their order: the sum of a hash of each. It costs one
 * pass over what changes and never a pass over the whole state. It finds divergence, not malice.
 */
export class StateHash {
  #low = 0;
  #high = 0;

  get lanes(): Readonly<HashLanes> {
    return { hashLow: this.#low, hashHigh: this.#high };
  }

  /** Goes on from the lanes that another one had. */
  set lanes(lanes: Readonly<HashLanes>) {
    this.#low = lanes.hashLow;
    this.#high = lanes.hashHigh;
  }

  /** Computes the lanes of one key into `target` and counts them in. */
  add(target: HashLanes, key: Uint8Array, value: Uint8Array, meta: HashedMeta): void {
    let low = hashBytes(0x9747b28c | 0, lowMultiplier, key);
    let high = hashBytes(0x165667b1, highMultiplier, key);
    low = hashBytes(low, lowMultiplier, value);
    high = hashBytes(high, highMultiplier, value);
    low = hashMeta(low, lowMultiplier, meta);
    high = hashMeta(high, highMultiplier, meta);
    target.hashLow = avalanche(low);
    target.hashHigh = avalanche(high);
    this.#low = (this.#low + target.hashLow) | 0;
    this.#high = (this.#high + target.hashHigh) | 0;
  }

  remove(lanes: HashLanes): void {
    this.#low = (this.#low - lanes.hashLow) | 0;
    this.#high = (this.#high - lanes.hashHigh) | 0;
  }

  /** Counts in one piece of state that is no key; `tag` tells what kind of piece it is. */
  addNumbers(tag: string, numbers: readonly number[], bytes: Uint8Array = noBytes): void {
    this.#low = (this.#low + piece(0x2545f491, lowMultiplier, tag, numbers, bytes)) | 0;
    this.#high = (this.#high + piece(0x1b873593, highMultiplier, tag, numbers, bytes)) | 0;
  }

  /** Takes out what {@link addNumbers} counted in for the same. */
  removeNumbers(tag: string, numbers: readonly number[], bytes: Uint8Array = noBytes): void {
    this.#low = (this.#low - piece(0x2545f491, lowMultiplier, tag, numbers, bytes)) | 0;
    this.#high = (this.#high - piece(0x1b873593, highMultiplier, tag, numbers, bytes)) | 0;
  }

  /** 16 hex digits over all keys and over `rest`, the state besides them. */
  digest(rest: readonly number[], name: string): string {
    let low = this.#low;
    let high = this.#high;
    for (const value of rest) {
      low = hashNumber(low, lowMultiplier, value);
      high = hashNumber(high, highMultiplier, value);
    }
    const nameBytes = Buffer.from(name, 'latin1');
    low = avalanche(hashBytes(low, lowMultiplier, nameBytes));
    high = avalanche(hashBytes(high, highMultiplier, nameBytes));
    return hex(high) + hex(low);
  }
}

const noBytes: Uint8Array = new Uint8Array(0);

function piece(
  seed: number,
  multiplier: number,
  tag: string,
  numbers: readonly number[],
  bytes: Uint8Array,
): number {
  let hash = seed;
  for (let at = 0; at < tag.length; at++) hash = mix(hash, multiplier, tag.charCodeAt(at));
  for (const value of numbers) hash = hashNumber(hash, multiplier, value);
  return avalanche(hashBytes(hash, multiplier, bytes));
}

/** Two numbers of 32 bits that tell one command from another. */
export function digestOf(bytes: Uint8Array): readonly [number, number] {
  return [
    avalanche(hashBytes(0x2545f491, lowMultiplier, bytes)) >>> 0,
    avalanche(hashBytes(0x1b873593, highMultiplier, bytes)) >>> 0,
  ];
}

/** Word by word: a call into native code per key would cost more than most values take here. */
function hashBytes(seed: number, multiplier: number, bytes: Uint8Array): number {
  let hash = seed ^ bytes.length;
  const wholeWords = bytes.length & ~3;
  let position = 0;
  while (position < wholeWords) {
    const word =
      (bytes[position] as number) |
      ((bytes[position + 1] as number) << 8) |
      ((bytes[position + 2] as number) << 16) |
      ((bytes[position + 3] as number) << 24);
    hash = mix(hash, multiplier, word);
    position += 4;
  }
  let rest = 0;
  for (; position < bytes.length; position++) rest = (rest << 8) | (bytes[position] as number);
  return mix(hash, multiplier, rest);
}

function hashMeta(seed: number, multiplier: number, meta: HashedMeta): number {
  let hash = hashNumber(seed, multiplier, meta.createRevision);
  hash = hashNumber(hash, multiplier, meta.modRevision);
  hash = hashNumber(hash, multiplier, meta.version);
  hash = hashNumber(hash, multiplier, meta.expiresAt);
  return hashNumber(hash, multiplier, meta.lease);
}

function hashNumber(seed: number, multiplier: number, value: number): number {
  const hash = mix(seed, multiplier, (value % twoTo32) | 0);
  return mix(hash, multiplier, Math.floor(value / twoTo32) | 0);
}

function mix(hash: number, multiplier: number, word: number): number {
  const scrambled = Math.imul(word, multiplier);
  const mixed = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** Makes every bit of the input reach every bit of the result (MurmurHash3's finalizer). */
function avalanche(hash: number): number {
  let value = hash ^ (hash >>> 16);
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return value ^ (value >>> 16);
}

function hex(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
