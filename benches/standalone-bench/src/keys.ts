/** The key of the n-th request: of exactly `keyBytes` digits. */
export type KeyMaker = (index: number) => string;

export interface KeyOptions {
  readonly keyBytes: number;
  readonly sequential: boolean;
  /** Only so many different keys; undefined: as many as fit. */
  readonly keySpace: number | undefined;
}

/** Keys at random are drawn from the index, so that two runs use the same ones. */
export function keyMaker({ keyBytes, sequential, keySpace }: KeyOptions): KeyMaker {
  const space = Math.min(keySpace ?? Number.POSITIVE_INFINITY, 10 ** Math.min(keyBytes, 15));
  return (index) => {
    const number = sequential ? index % space : scramble(index) % space;
    return String(number).padStart(keyBytes, '0').slice(-keyBytes);
  };
}

/** A well mixed number below 2^32 for each index (the finaliser of murmur3). */
function scramble(index: number): number {
  let mixed = index ^ 0x9e37_79b9;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
