/**
 * Keys on disk: a generation and a tag, a byte each, then the key of a user. A snapshot that is
 * loaded is written under another generation, and one write makes it the one that counts.
 */
export const keyTag = 0x6b;
/** Under which the mark stands, which says what generation counts. */
export const markKey: Uint8Array = Buffer.from([0xff, 0x00]);
/** The byte of the mark's key is no generation. */
const generationCount = 0xff;

export function generationAfter(generation: number): number {
  return (generation + 1) % generationCount;
}

export function diskKey(generation: number, key: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + 2);
  bytes[0] = generation;
  bytes[1] = keyTag;
  bytes.set(key, 2);
  return bytes;
}

/** What the user calls it; a view. */
export function userKey(key: Uint8Array): Uint8Array {
  return key.subarray(2);
}

/** Above all keys of the generation, and not above any of the next. */
export function endOfKeys(generation: number): Buffer {
  return Buffer.from([generation, keyTag + 1]);
}

/** Everything but the mark and one generation, as ranges. */
export function foreignRanges(generation: number): { from: Uint8Array; below: Uint8Array }[] {
  return [
    { from: Buffer.from([0, 0]), below: Buffer.from([generation, 0]) },
    { from: Buffer.from([generation + 1, 0]), below: markKey },
  ];
}
