import type { HeaderList } from './header-list.ts';

/** Longer blocks carry what hardly repeats, and would let a peer fill this side's memory. */
const cachedBytesMax = 512;
/** A power of two. A connection of gRPC calls has a handful of different blocks. */
const slotCount = 32;

interface DecodedBlock {
  readonly bytes: Uint8Array;
  readonly headers: HeaderList;
}

/**
 * Blocks that were decoded while the dynamic table was as it is now, and what they meant. One slot
 * a hash: whoever sends colliding blocks only loses what the cache would have saved.
 */
export class BlockCache {
  /** What came lately, by hash: keeping a block costs as much as half its decoding. */
  readonly #seen = new Int32Array(slotCount);
  #slots: (DecodedBlock | undefined)[] = [];
  /** Of the table; with another one nothing that is kept means what it meant. */
  #version = 0;

  /** `hash` is {@link hashOf} the block. */
  find(block: Uint8Array, hash: number, version: number): HeaderList | undefined {
    if (version !== this.#version) return undefined;
    const known = this.#slots[hash & (slotCount - 1)];
    return known !== undefined && areEqual(known.bytes, block) ? known.headers : undefined;
  }

  /** Keeps and freezes a list whose block, or one with its hash, came before. */
  offer(block: Uint8Array, hash: number, version: number, headers: HeaderList): void {
    const slot = hash & (slotCount - 1);
    if (this.#seen[slot] !== hash || block.length > cachedBytesMax) {
      this.#seen[slot] = hash;
      return;
    }
    if (version !== this.#version || this.#slots.length === 0) {
      this.#slots = new Array<undefined>(slotCount).fill(undefined);
      this.#version = version;
    }
    this.#slots[slot] = { bytes: new Uint8Array(block), headers: Object.freeze(headers) };
  }
}

/** FNV-1a over as much of the block as the cache takes. */
export function hashOf(block: Uint8Array): number {
  const length = Math.min(block.length, cachedBytesMax);
  let hash = 0x811c9dc5 ^ block.length;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ (block[at] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

function areEqual(first: Uint8Array, second: Uint8Array): boolean {
  if (first.length !== second.length) return false;
  for (let at = 0; at < first.length; at++) if (first[at] !== second[at]) return false;
  return true;
}
