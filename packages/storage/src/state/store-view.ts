import { assert, limits } from '@d-engine/base';
import type { BackendView, Run } from './backend.ts';
import { keyOffset, recordWords, runPartOffset } from './record-layout.ts';
import type { Slab } from './slab-memory.ts';
import type { SlotPages } from './slot-table.ts';
import { offsetOf, slabIdOf } from './slot-table.ts';
import type { SlotTreeRoot } from './slot-tree.ts';
import { compareBytes, slotsOf } from './slot-tree.ts';

/** What a store held at one moment, walked once in the order of the keys. */
export class StoreView implements BackendView {
  readonly epoch: number;
  readonly #pages: SlotPages;
  readonly #root: SlotTreeRoot;
  readonly #slabAt: (id: number) => Slab;
  readonly #onRelease: () => void;
  /** All keys up to this one were copied out: the store may forget what they were. */
  #passed: Uint8Array | undefined;
  #state: 'new' | 'walking' | 'walked' | 'released' = 'new';

  constructor(options: {
    epoch: number;
    pages: SlotPages;
    root: SlotTreeRoot;
    slabAt: (id: number) => Slab;
    onRelease: () => void;
  }) {
    this.epoch = options.epoch;
    this.#pages = options.pages;
    this.#root = options.root;
    this.#slabAt = options.slabAt;
    this.#onRelease = options.onRelease;
  }

  hasPassed(key: Uint8Array): boolean {
    if (this.#state === 'walked') return true;
    return this.#passed !== undefined && compareBytes(key, this.#passed) <= 0;
  }

  *runs(): Generator<Run> {
    assert(this.#state === 'new', 'a view is walked once');
    this.#state = 'walking';
    let run = Buffer.allocUnsafeSlow(limits.snapshotRunBytes);
    let used = 0;
    let keyCount = 0;
    let lastSlot = 0;
    for (const slots of slotsOf(this.#root)) {
      for (const slot of slots) {
        const slab = this.#slabOf(slot);
        const start = offsetOf(this.#pages, slot) + runPartOffset;
        const bytes = this.#runBytes(slab, start);
        if (used + bytes > run.length && keyCount > 0) {
          this.#passed = this.#keyOf(lastSlot);
          yield { keyCount, bytes: run.subarray(0, used) };
          assert(this.#isWalking(), 'a view is walked on after its release');
          run = Buffer.allocUnsafeSlow(Math.max(limits.snapshotRunBytes, bytes));
          used = 0;
          keyCount = 0;
        }
        if (bytes > run.length) run = Buffer.allocUnsafeSlow(bytes);
        slab.bytes.copy(run, used, start, start + bytes);
        used += bytes;
        keyCount += 1;
        lastSlot = slot;
      }
    }
    this.#state = 'walked';
    if (keyCount > 0) yield { keyCount, bytes: run.subarray(0, used) };
  }

  release(): void {
    assert(this.#state !== 'released', 'a view is released once');
    this.#state = 'released';
    this.#onRelease();
  }

  #isWalking(): boolean {
    return this.#state === 'walking';
  }

  #slabOf(slot: number): Slab {
    return this.#slabAt(slabIdOf(this.#pages, slot));
  }

  #runBytes(slab: Slab, start: number): number {
    const at = (start - runPartOffset) >> 2;
    const keyLength = slab.words[at + recordWords.keyLength] as number;
    const headBytes = keyOffset(slab.words[at + recordWords.flags] as number) - runPartOffset;
    return headBytes + keyLength + (slab.words[at + recordWords.valueLength] as number);
  }

  /** A copy. */
  #keyOf(slot: number): Uint8Array {
    const slab = this.#slabOf(slot);
    const offset = offsetOf(this.#pages, slot);
    const start = offset + keyOffset(slab.words[(offset >> 2) + recordWords.flags] as number);
    const length = slab.words[(offset >> 2) + recordWords.keyLength] as number;
    return Uint8Array.prototype.slice.call(slab.bytes, start, start + length);
  }
}
