/**
 * A record in a slab, at a multiple of 8: slot u32, two lanes of its part of the state hash u32,
 * then the record as a snapshot holds it (`data-run.ts`), which is copied out as it is. Fields are
 * read as 32-bit words.
 */
export const recordHeaderBytes = 48;
/** Expiry and lease u64, between header and key, where {@link lifetimeFlag} is set. */
export const lifetimeBytes = 16;
/** The only flag of a record: it may go away by itself. */
export const lifetimeFlag = 1;
/** Where the part that snapshots copy begins. */
export const runPartOffset = 12;

/** Places of the fields, in words from the start of the record. */
export const recordWords = {
  slot: 0,
  hashLow: 1,
  hashHigh: 2,
  keyLength: 3,
  valueLength: 4,
  flags: 5,
  createRevision: 6,
  modRevision: 8,
  version: 10,
  /** Where there is a lifetime. */
  expiresAt: 12,
  lease: 14,
} as const;

/** Words are as the machine has them, snapshots little-endian; big-endian ones are refused. */
export const isLittleEndian: boolean = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** What a record takes of its slab. */
export function recordBytes(keyLength: number, valueLength: number, flags: number): number {
  return (keyOffset(flags) + keyLength + valueLength + 7) & ~7;
}

/** Where the key begins, from the start of the record. */
export function keyOffset(flags: number): number {
  return flags === 0 ? recordHeaderBytes : recordHeaderBytes + lifetimeBytes;
}

const twoTo32 = 2 ** 32;

export function readExactWords(words: Uint32Array, at: number): number {
  return (words[at] as number) + (words[at + 1] as number) * twoTo32;
}

export function writeExactWords(words: Uint32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = value / twoTo32;
}
