/**
 * Keys on disk: a generation and a tag, a byte each, then what the tag says. A snapshot that is
 * loaded is written under another generation, and one write makes it the one that counts.
 */
export const diskTags = {
  /** A key of a user, with its record. */
  key: 0x6b,
  /** The key of a user that has an expiry or a lease; says nothing more. */
  lifetime: 0x6c,
  /** A record of a table, under a name of its own. */
  record: 0x72,
} as const;
export type DiskTag = (typeof diskTags)[keyof typeof diskTags];
/** Under which the mark stands, which says what generation counts. */
export const markKey: Uint8Array = Buffer.from([0xff, 0x00]);
/** The byte of the mark's key is no generation. */
const generationCount = 0xff;

export function generationAfter(generation: number): number {
  return (generation + 1) % generationCount;
}

export function diskKey(generation: number, key: Uint8Array, tag: DiskTag = diskTags.key): Buffer {
  const bytes = Buffer.allocUnsafe(key.length + 2);
  bytes[0] = generation;
  bytes[1] = tag;
  bytes.set(key, 2);
  return bytes;
}

/** What the user calls it; a view. */
export function userKey(key: Uint8Array): Uint8Array {
  return key.subarray(2);
}

/** Behind all keys of the generation with this tag. */
export function endOfKeys(generation: number, tag: DiskTag = diskTags.key): Buffer {
  return Buffer.from([generation, tag + 1]);
}

/** The first name behind all that begin so; the prefix is no empty one and ends below 0xff. */
export function behind(prefix: Uint8Array): Uint8Array {
  const next = Buffer.from(prefix);
  next[next.length - 1] = (next.at(-1) ?? 0) + 1;
  return next;
}

/** Everything but the mark and one generation, as ranges. */
export function foreignRanges(generation: number): { from: Uint8Array; below: Uint8Array }[] {
  return [
    { from: Buffer.from([0, 0]), below: Buffer.from([generation, 0]) },
    { from: Buffer.from([generation + 1, 0]), below: markKey },
  ];
}
