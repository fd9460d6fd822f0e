import { assert } from '@d-engine/base';

/** A piece of memory that records are laid into from its start; none is ever moved within it. */
export class Slab {
  readonly id: number;
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  /** See {@link SlabMemory.freeze}. */
  readonly epoch: number;
  /** Everything below was given out. */
  usedBytes = 0;
  /** Of these, what was not given back. */
  liveBytes = 0;

  constructor(id: number, bytes: Buffer, epoch: number) {
    this.id = id;
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    this.epoch = epoch;
  }
}

/** Small at first: a test or a small state should not pay for a large one. */
const slabBytesMin = 16_384;
export const slabBytesMax = 1_048_576;
/** Longer records get a slab of their own, so that no slab ends in much unused room. */
const sharedBytesMax = slabBytesMax / 8;
/** Slabs that were emptied and wait for reuse, rather than for the garbage collector. */
const spareSlabsMax = 8;
/** Part of what is live that may lie dead beside it before slabs are emptied. */
const deadShareMax = 1 / 10;

/**
 * Memory for records, outside the heap that the garbage collector walks. Slabs from before the
 * newest `freeze` keep all their bytes, dead or not, until the `thaw`.
 */
export class SlabMemory {
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #freeIds: number[] = [];
  readonly #spare: Buffer[] = [];
  #current: Slab | undefined;
  #epoch = 1;
  /** Slabs of this epoch and older are frozen. */
  #frozenEpoch = 0;
  #capacityBytes = 0;
  #liveBytes = 0;

  get capacityBytes(): number {
    return this.#capacityBytes;
  }

  get liveBytes(): number {
    return this.#liveBytes;
  }

  at(id: number): Slab {
    return this.#slabs[id] as Slab;
  }

  /** Room for one record, at the end of what the slab has used now. A multiple of 8. */
  allocate(bytes: number): Slab {
    let slab = this.#current;
    if (slab === undefined || slab.usedBytes + bytes > slab.bytes.length) slab = this.#grow(bytes);
    slab.usedBytes += bytes;
    slab.liveBytes += bytes;
    this.#liveBytes += bytes;
    return slab;
  }

  release(slab: Slab, bytes: number): void {
    slab.liveBytes -= bytes;
    this.#liveBytes -= bytes;
    assert(slab.liveBytes >= 0, 'a slab gave back more than it gave out');
    if (slab.liveBytes === 0) this.#drop(slab);
  }

  isFrozen(slab: Slab): boolean {
    return slab.epoch <= this.#frozenEpoch;
  }

  /** From now on, slabs up to now stay as they are; returns their epoch. */
  freeze(): number {
    this.#current = undefined;
    this.#frozenEpoch = this.#epoch;
    this.#epoch += 1;
    return this.#frozenEpoch;
  }

  /** Slabs above `epoch` may be dropped again; 0: all. */
  thaw(epoch: number): void {
    this.#frozenEpoch = epoch;
    for (const slab of this.#slabs) {
      if (slab !== undefined && slab.liveBytes === 0) this.#drop(slab);
    }
  }

  /** The slab that is worth emptying, if there is much that is dead; undefined: none. */
  sparsest(): Slab | undefined {
    const room = this.#current ? this.#current.bytes.length - this.#current.usedBytes : 0;
    const deadBytes = this.#capacityBytes - this.#liveBytes - room;
    if (deadBytes <= this.#liveBytes * deadShareMax + slabBytesMax) return undefined;
    let found: Slab | undefined;
    let foundShare = 1;
    for (const slab of this.#slabs) {
      if (slab === undefined || slab === this.#current || this.isFrozen(slab)) continue;
      const share = slab.liveBytes / slab.bytes.length;
      if (share >= foundShare) continue;
      found = slab;
      foundShare = share;
    }
    return found;
  }

  #grow(bytes: number): Slab {
    if (bytes > sharedBytesMax) return this.#add(Buffer.allocUnsafeSlow(bytes));
    const wanted = Math.max(slabBytesMin, bytes, this.#capacityBytes);
    const size = Math.min(slabBytesMax, 2 ** Math.ceil(Math.log2(wanted)));
    const spare = size === slabBytesMax ? this.#spare.pop() : undefined;
    this.#current = this.#add(spare ?? Buffer.allocUnsafeSlow(size));
    return this.#current;
  }

  #add(bytes: Buffer): Slab {
    const id = this.#freeIds.pop() ?? this.#slabs.length;
    const slab = new Slab(id, bytes, this.#epoch);
    this.#slabs[id] = slab;
    this.#capacityBytes += bytes.length;
    return slab;
  }

  #drop(slab: Slab): void {
    if (slab === this.#current || this.isFrozen(slab)) return;
    this.#slabs[slab.id] = undefined;
    this.#freeIds.push(slab.id);
    this.#capacityBytes -= slab.bytes.length;
    if (slab.bytes.length === slabBytesMax && this.#spare.length < spareSlabsMax) {
      this.#spare.push(slab.bytes);
    }
  }
}
