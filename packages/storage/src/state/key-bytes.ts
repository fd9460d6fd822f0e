/**
 * Spreads keys over the hash index. It shows nowhere, so it may change at any time; every byte and
 * the length count.
 */
export function keyHash(key: Uint8Array): number {
  let hash = key.length | 0;
  const wholeWords = key.length & ~3;
  let at = 0;
  while (at < wholeWords) {
    const word =
      (key[at] as number) |
      ((key[at + 1] as number) << 8) |
      ((key[at + 2] as number) << 16) |
      ((key[at + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
    at += 4;
  }
  for (; at < key.length; at++) {
    hash = Math.imul(hash ^ (key[at] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Whether `key` stands at `offset`. */
export function sameKey(key: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  for (let at = 0; at < key.length; at++) if (key[at] !== bytes[offset + at]) return false;
  return true;
}
