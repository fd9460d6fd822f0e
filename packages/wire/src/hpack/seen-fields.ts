const slotCount = 64;

/**
 * Remembers which fields came lately, by their hashes: those that come again are worth a place in
 * the dynamic table. It may take one for another or forget one; that costs a few bytes at most.
 */
export class SeenFields {
  readonly #hashes = new Int32Array(slotCount);
  #version = 0;

  /** Another number whenever a field came that had not come lately. */
  get version(): number {
    return this.#version;
  }

  /** Whether it came lately; from now on it did. */
  seenBefore(name: string, value: string): boolean {
    const hash = hashOf(value, hashOf(name, 0x811c9dc5));
    const slot = hash & (slotCount - 1);
    const wasSeen = this.#hashes[slot] === hash;
    if (!wasSeen) {
      this.#hashes[slot] = hash;
      this.#version++;
    }
    return wasSeen;
  }
}

/** FNV-1a. */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash;
}
