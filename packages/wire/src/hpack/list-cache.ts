import type { HeaderList } from './header-list.ts';

/** A power of two. A connection of gRPC calls has a handful of different lists. */
const slotCount = 32;
/** Longer blocks carry what hardly repeats. */
const cachedBytesMax = 512;

interface EncodedList {
  readonly headers: HeaderList;
  readonly block: Uint8Array;
}

/**
 * Lists that were encoded while the dynamic table was as it is now, and their blocks: found by the
 * list itself, or by an equal one in the slot of its hash.
 */
export class ListCache {
  readonly #blocks = new Map<HeaderList, Uint8Array>();
  #slots: (EncodedList | undefined)[] = [];
  /** Of the table; with another one no block that is kept means what it meant. */
  #version = 0;

  find(headers: HeaderList, version: number): Uint8Array | undefined {
    return version === this.#version ? this.#blocks.get(headers) : undefined;
  }

  /** `hash` is {@link hashOf} the list. */
  findEqual(headers: HeaderList, hash: number, version: number): Uint8Array | undefined {
    if (version !== this.#version) return undefined;
    const known = this.#slots[hash & (slotCount - 1)];
    if (known === undefined || !areEqual(known.headers, headers)) return undefined;
    // Only lists that come again: those made anew for each call would fill the map for nothing.
    if (known.headers === headers) {
      if (this.#blocks.size === slotCount) this.#blocks.clear();
      this.#blocks.set(headers, known.block);
    }
    return known.block;
  }

  put(headers: HeaderList, hash: number, version: number, block: Uint8Array): void {
    if (block.length > cachedBytesMax) return;
    if (version !== this.#version || this.#slots.length === 0) {
      this.#blocks.clear();
      this.#slots = new Array<undefined>(slotCount).fill(undefined);
      this.#version = version;
    }
    this.#slots[hash & (slotCount - 1)] = { headers, block };
  }
}

/**
 * Equal lists have equal hashes. Most others differ in the length or the last character of a value,
 * so no more of the texts is read.
 */
export function hashOf(headers: HeaderList): number {
  let hash = headers.length;
  for (let at = 1; at < headers.length; at += 2) {
    const value = headers[at] as string;
    hash = Math.imul(hash ^ value.length, 0x01000193) ^ value.charCodeAt(value.length - 1);
  }
  return hash ^ (hash >>> 13);
}

function areEqual(first: HeaderList, second: HeaderList): boolean {
  if (first === second) return true;
  if (first.length !== second.length) return false;
  for (let at = 0; at < first.length; at++) if (first[at] !== second[at]) return false;
  return true;
}
