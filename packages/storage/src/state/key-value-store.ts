import type { LeaseId, Revision } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { KeyValueBackend, RecordMeta, StoredKeyValue } from './backend.ts';
import { HashIndex } from './hash-index.ts';
import { keyHash, sameKey } from './key-bytes.ts';
import {
  isLittleEndian,
  keyOffset,
  lifetimeFlag,
  readExactWords,
  recordBytes,
  recordHeaderBytes,
  recordWords,
  writeExactWords,
} from './record-layout.ts';
import type { Slab } from './slab-memory.ts';
import { SlabMemory } from './slab-memory.ts';
import { offsetOf, SlotTable, slabIdOf } from './slot-table.ts';
import type { KeysOfSlots } from './slot-tree.ts';
import { SlotTree, slotsAscending, slotsDescending } from './slot-tree.ts';
import { StoreView } from './store-view.ts';

/** Bytes moved out of sparse slabs for each byte written: enough to keep up with any writes. */
const moveRatio = 4;
/** Of a slab that is emptied, what passing over a dead record counts as. */
const passedRecordBytes = 64;

/**
 * Keys and values in slabs, found by hash and walked in the order of the keys. Only the order is
 * kept in objects, and what is in it changes only when keys come and go.
 */
export class KeyValueStore implements KeyValueBackend {
  readonly durability: undefined = undefined;
  readonly #memory = new SlabMemory();
  readonly #slots = new SlotTable();
  readonly #index = new HashIndex();
  readonly #keys: KeysOfSlots;
  readonly #tree: SlotTree;
  readonly #views = new Set<StoreView>();
  #keyCount = 0;
  // The selected record.
  #slot = -1;
  #slab: Slab | undefined;
  #offset = 0;
  /** The slab that is being emptied, and how far. */
  #sparse: Slab | undefined;
  #sparseOffset = 0;

  constructor() {
    assert(isLittleEndian, 'records are laid out for little-endian machines');
    this.#keys = {
      compare: (key, slot) => this.#compare(key, slot),
      keyOf: (slot) => this.#keyOf(slot),
    };
    this.#tree = new SlotTree(this.#keys);
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  /** Memory that was asked for, besides the indexes. */
  get capacityBytes(): number {
    return this.#memory.capacityBytes;
  }

  find(key: Uint8Array): boolean {
    const { pages } = this.#slots;
    for (let slot = this.#index.first(keyHash(key)); slot !== -1; slot = this.#index.next()) {
      const slab = this.#memory.at(slabIdOf(pages, slot));
      const offset = offsetOf(pages, slot);
      if (slab.words[(offset >> 2) + recordWords.keyLength] !== key.length) continue;
      if (!sameKey(key, slab.bytes, keyAt(slab, offset))) continue;
      this.#slot = slot;
      this.#slab = slab;
      this.#offset = offset;
      return true;
    }
    return false;
  }

  read(key: Uint8Array): StoredKeyValue | null {
    if (!this.find(key)) return null;
    const { words, bytes } = this.#selected();
    const at = this.#offset >> 2;
    const start = this.#valueOffset();
    const value = Buffer.allocUnsafe(words[at + recordWords.valueLength] as number);
    value.set(bytes.subarray(start, start + value.length));
    const found = {
      key,
      value,
      createRevision: readExactWords(words, at + recordWords.createRevision),
      modRevision: readExactWords(words, at + recordWords.modRevision),
      version: readExactWords(words, at + recordWords.version),
    };
    if (words[at + recordWords.flags] === 0) return found;
    const { expiresAt, lease } = this;
    return {
      ...found,
      expiresAt: expiresAt === 0 ? undefined : expiresAt,
      lease: lease === 0 ? undefined : lease,
    };
  }

  get createRevision(): Revision {
    return this.#exact(recordWords.createRevision);
  }

  get version(): number {
    return this.#exact(recordWords.version);
  }

  get expiresAt(): number {
    return this.#word(recordWords.flags) === 0 ? 0 : this.#exact(recordWords.expiresAt);
  }

  get lease(): LeaseId {
    return this.#word(recordWords.flags) === 0 ? 0 : this.#exact(recordWords.lease);
  }

  get hashLow(): number {
    return this.#word(recordWords.hashLow) | 0;
  }

  get hashHigh(): number {
    return this.#word(recordWords.hashHigh) | 0;
  }

  get valueLength(): number {
    return this.#word(recordWords.valueLength);
  }

  copyValue(): Buffer {
    const { bytes } = this.#selected();
    const start = this.#valueOffset();
    const length = this.valueLength;
    const value = Buffer.allocUnsafe(length);
    bytes.copy(value, 0, start, start + length);
    return value;
  }

  valueIs(expected: Uint8Array): boolean {
    const length = this.valueLength;
    if (length !== expected.length) return false;
    const start = this.#valueOffset();
    const { bytes } = this.#selected();
    return bytes.compare(expected, 0, length, start, start + length) === 0;
  }

  insert(key: Uint8Array, value: Uint8Array, meta: RecordMeta): void {
    const slot = this.#slots.take();
    this.#writeNew(slot, key, value, meta);
    this.#index.add(keyHash(key), slot);
    this.#tree.insert(key, slot);
    this.#keyCount += 1;
    this.#tidy(recordHeaderBytes + value.length);
  }

  update(key: Uint8Array, value: Uint8Array, meta: RecordMeta): void {
    const slab = this.#selected();
    const bytes = this.#recordBytes(slab, this.#offset);
    const isNeeded = this.#memory.isFrozen(slab) && this.#isNeeded(key);
    const flags = flagsOf(meta);
    const fits =
      flags === this.#word(recordWords.flags) &&
      bytes === recordBytes(key.length, value.length, flags);
    if (!isNeeded && fits) {
      this.#writeMeta(slab, this.#offset, this.#slot, key, value, meta);
      slab.bytes.set(value, this.#valueOffset());
    } else {
      this.#writeNew(this.#slot, key, value, meta);
      this.#memory.release(slab, bytes);
    }
    this.#tidy(bytes);
  }

  remove(key: Uint8Array): void {
    const slab = this.#selected();
    const bytes = this.#recordBytes(slab, this.#offset);
    this.#tree.remove(key);
    this.#index.removeProbed();
    this.#slots.give(this.#slot);
    this.#memory.release(slab, bytes);
    this.#keyCount -= 1;
    this.#tidy(bytes);
  }

  *ascending(from: Uint8Array): Generator<Uint8Array> {
    const slots = slotsAscending(this.#tree.root, this.#keys, from);
    for (const slot of slots) yield this.#select(slot);
  }

  *descending(before: Uint8Array | null): Generator<Uint8Array> {
    const slots = slotsDescending(this.#tree.root, this.#keys, before);
    for (const slot of slots) yield this.#select(slot);
  }

  successor(): KeyValueStore {
    return new KeyValueStore();
  }

  view(): StoreView {
    const epoch = this.#memory.freeze();
    const view = new StoreView({
      epoch,
      pages: this.#slots.freeze(),
      root: this.#tree.freeze(),
      slabAt: (id) => this.#memory.at(id),
      onRelease: () => this.#thaw(view),
    });
    this.#views.add(view);
    return view;
  }

  #thaw(view: StoreView): void {
    this.#views.delete(view);
    let newest = 0;
    for (const { epoch } of this.#views) newest = Math.max(newest, epoch);
    this.#slots.thaw(newest);
    this.#tree.thaw(newest);
    this.#memory.thaw(newest);
  }

  #isNeeded(key: Uint8Array): boolean {
    for (const view of this.#views) if (!view.hasPassed(key)) return true;
    return false;
  }

  #writeNew(slot: number, key: Uint8Array, value: Uint8Array, meta: RecordMeta): void {
    const bytes = recordBytes(key.length, value.length, flagsOf(meta));
    const slab = this.#memory.allocate(bytes);
    const offset = slab.usedBytes - bytes;
    this.#writeMeta(slab, offset, slot, key, value, meta);
    const at = keyAt(slab, offset);
    slab.bytes.set(key, at);
    slab.bytes.set(value, at + key.length);
    this.#slots.place(slot, slab.id, offset);
  }

  #writeMeta(
    slab: Slab,
    offset: number,
    slot: number,
    key: Uint8Array,
    value: Uint8Array,
    meta: RecordMeta,
  ): void {
    const { words } = slab;
    const at = offset >> 2;
    words[at + recordWords.slot] = slot;
    words[at + recordWords.hashLow] = meta.hashLow;
    words[at + recordWords.hashHigh] = meta.hashHigh;
    words[at + recordWords.keyLength] = key.length;
    words[at + recordWords.valueLength] = value.length;
    words[at + recordWords.flags] = flagsOf(meta);
    writeExactWords(words, at + recordWords.createRevision, meta.createRevision);
    writeExactWords(words, at + recordWords.modRevision, meta.modRevision);
    writeExactWords(words, at + recordWords.version, meta.version);
    if (words[at + recordWords.flags] === 0) return;
    writeExactWords(words, at + recordWords.expiresAt, meta.expiresAt);
    writeExactWords(words, at + recordWords.lease, meta.lease);
  }

  /** Moves what lives in sparse slabs together, a little with each write: no write waits long. */
  #tidy(writtenBytes: number): void {
    this.#slab = undefined;
    let budget = writtenBytes * moveRatio;
    while (budget > 0) {
      const slab = this.#sparse ?? this.#memory.sparsest();
      if (slab === undefined) return;
      if (this.#sparse === undefined) this.#sparseOffset = 0;
      this.#sparse = slab;
      const isDone = slab.liveBytes === 0 || this.#memory.isFrozen(slab);
      if (isDone) {
        this.#sparse = undefined;
        continue;
      }
      budget -= this.#moveNext(slab);
    }
  }

  #moveNext(slab: Slab): number {
    const offset = this.#sparseOffset;
    const bytes = this.#recordBytes(slab, offset);
    this.#sparseOffset += bytes;
    const slot = slab.words[(offset >> 2) + recordWords.slot] as number;
    const { pages } = this.#slots;
    if (slabIdOf(pages, slot) !== slab.id || offsetOf(pages, slot) !== offset) {
      return passedRecordBytes;
    }
    const target = this.#memory.allocate(bytes);
    const to = target.usedBytes - bytes;
    slab.bytes.copy(target.bytes, to, offset, offset + bytes);
    this.#slots.place(slot, target.id, to);
    this.#memory.release(slab, bytes);
    return bytes;
  }

  /** Returns a copy of its key. */
  #select(slot: number): Uint8Array {
    const { pages } = this.#slots;
    this.#slot = slot;
    this.#slab = this.#memory.at(slabIdOf(pages, slot));
    this.#offset = offsetOf(pages, slot);
    return Buffer.from(this.#keyOf(slot));
  }

  #compare(key: Uint8Array, slot: number): number {
    const { pages } = this.#slots;
    const slab = this.#memory.at(slabIdOf(pages, slot));
    const offset = offsetOf(pages, slot);
    const { bytes } = slab;
    const start = keyAt(slab, offset);
    const keyLength = slab.words[(offset >> 2) + recordWords.keyLength] as number;
    const length = Math.min(key.length, keyLength);
    for (let at = 0; at < length; at++) {
      const difference = (key[at] as number) - (bytes[start + at] as number);
      if (difference !== 0) return difference;
    }
    return key.length - keyLength;
  }

  #keyOf(slot: number): Uint8Array {
    const { pages } = this.#slots;
    const slab = this.#memory.at(slabIdOf(pages, slot));
    const offset = offsetOf(pages, slot);
    const start = keyAt(slab, offset);
    const length = slab.words[(offset >> 2) + recordWords.keyLength] as number;
    return slab.bytes.subarray(start, start + length);
  }

  #recordBytes(slab: Slab, offset: number): number {
    const at = offset >> 2;
    return recordBytes(
      slab.words[at + recordWords.keyLength] as number,
      slab.words[at + recordWords.valueLength] as number,
      slab.words[at + recordWords.flags] as number,
    );
  }

  #selected(): Slab {
    assert(this.#slab !== undefined, 'no record is selected');
    return this.#slab;
  }

  #valueOffset(): number {
    return keyAt(this.#selected(), this.#offset) + this.#word(recordWords.keyLength);
  }

  #word(word: number): number {
    return this.#selected().words[(this.#offset >> 2) + word] as number;
  }

  #exact(word: number): number {
    return readExactWords(this.#selected().words, (this.#offset >> 2) + word);
  }
}

/** Where the key of the record at `offset` begins. */
export function keyAt(slab: Slab, offset: number): number {
  return offset + keyOffset(slab.words[(offset >> 2) + recordWords.flags] as number);
}

function flagsOf(meta: RecordMeta): number {
  return meta.expiresAt === 0 && meta.lease === 0 ? 0 : lifetimeFlag;
}
