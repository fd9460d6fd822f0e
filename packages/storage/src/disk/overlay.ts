import type { LogIndex } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { KeysOfSlots } from '../state/slot-tree.ts';
import { compareBytes, SlotTree, slotsAscending, slotsDescending } from '../state/slot-tree.ts';
import type { StateMark } from '../state/state-mark.ts';
import type { StoreChange } from './ordered-store.ts';

/** A change that is not on disk yet. */
export interface PendingChange {
  readonly name: string;
  readonly key: Uint8Array;
  /** As it will stand on disk; null: the key goes. */
  readonly stored: Buffer | null;
}

/** The changes of some entries in a row, and what the state was after the last of them. */
export interface Layer {
  readonly changes: ReadonlyMap<string, PendingChange>;
  /** What goes to disk beside them, and is not looked for before the next start. */
  readonly others: readonly StoreChange[];
  readonly bytes: number;
  readonly mark: StateMark;
}

/** What a change costs in memory besides key and value, in two maps and a tree. Measured. */
const changeOverheadBytes = 400;
const otherOverheadBytes = 200;

/**
 * What was applied and is not on disk yet. Only whole layers go there: a state on disk is always
 * the state as of one entry, and never of one that the log might not have after a crash.
 */
export class Overlay {
  /** Invariant: holds the newest change of each key, in all layers. */
  readonly #slots: PendingChange[] = [];
  readonly #freeSlots: number[] = [];
  readonly #slotOfName = new Map<string, number>();
  readonly #keys: KeysOfSlots = {
    compare: (key, slot) => compareBytes(key, this.#change(slot).key),
    keyOf: (slot) => this.#change(slot).key,
  };
  readonly #tree = new SlotTree(this.#keys);
  #open = new Map<string, PendingChange>();
  readonly #sealed: Layer[] = [];
  #openOthers: StoreChange[] = [];
  #openBytes = 0;
  #bytes = 0;

  /** About what it holds in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The oldest closed layers, as far as they end at or below `index`: as many as `bytesMax` holds,
   * at least one.
   */
  sealedUpTo(index: LogIndex, bytesMax: number): readonly Layer[] {
    let count = 0;
    let bytes = 0;
    for (const layer of this.#sealed) {
      bytes += layer.bytes;
      if (layer.mark.appliedIndex > index || (count > 0 && bytes > bytesMax)) break;
      count += 1;
    }
    return this.#sealed.slice(0, count);
  }

  find(key: Uint8Array): PendingChange | undefined {
    if (this.#slotOfName.size === 0) return undefined;
    const slot = this.#slotOfName.get(nameOf(key));
    return slot === undefined ? undefined : this.#slots[slot];
  }

  set(key: Uint8Array, stored: Buffer | null): PendingChange {
    const name = nameOf(key);
    const change: PendingChange = { name, key: Buffer.from(key), stored };
    const before = this.#open.get(name);
    const growth = bytesOf(change) - (before === undefined ? 0 : bytesOf(before));
    this.#open.set(name, change);
    this.#openBytes += growth;
    this.#bytes += growth;
    const slot = this.#slotOfName.get(name);
    if (slot === undefined) this.#add(change);
    else this.#slots[slot] = change;
    return change;
  }

  /** Beside the changes of keys. */
  addOther(change: StoreChange): void {
    const bytes = otherBytes(change);
    this.#openOthers.push(change);
    this.#openBytes += bytes;
    this.#bytes += bytes;
  }

  /** Closes the layer that took the changes since the last one. */
  seal(mark: StateMark): void {
    const bytes = this.#openBytes;
    this.#sealed.push({ ...this.takeOpen(), bytes, mark });
  }

  /** The changes since the last layer; they stay visible until they are forgotten. */
  takeOpen(): Pick<Layer, 'changes' | 'others'> {
    const open = { changes: this.#open, others: this.#openOthers };
    this.#open = new Map();
    this.#openOthers = [];
    this.#openBytes = 0;
    return open;
  }

  /** The first `count` layers are on disk. */
  forget(count: number): void {
    for (const layer of this.#sealed.splice(0, count)) this.forgetTaken(layer);
  }

  /** These are on disk. */
  forgetTaken({ changes, others }: Pick<Layer, 'changes' | 'others'>): void {
    for (const change of changes.values()) this.#forgetChange(change);
    for (const change of others) this.#bytes -= otherBytes(change);
  }

  *ascending(from: Uint8Array): Generator<PendingChange> {
    for (const slot of slotsAscending(this.#tree.root, this.#keys, from)) yield this.#change(slot);
  }

  *descending(before: Uint8Array | null): Generator<PendingChange> {
    const slots = slotsDescending(this.#tree.root, this.#keys, before);
    for (const slot of slots) yield this.#change(slot);
  }

  #add(change: PendingChange): void {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[slot] = change;
    this.#slotOfName.set(change.name, slot);
    this.#tree.insert(change.key, slot);
  }

  #forgetChange(change: PendingChange): void {
    this.#bytes -= bytesOf(change);
    const slot = this.#slotOfName.get(change.name);
    assert(slot !== undefined, 'the newest change of a key is forgotten last');
    if (this.#slots[slot] !== change) return;
    this.#tree.remove(change.key);
    this.#slotOfName.delete(change.name);
    this.#freeSlots.push(slot);
  }

  #change(slot: number): PendingChange {
    return this.#slots[slot] as PendingChange;
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

function otherBytes({ key, value }: StoreChange): number {
  return key.length + (value?.length ?? 0) + otherOverheadBytes;
}

function bytesOf({ key, stored }: PendingChange): number {
  return key.length * 2 + (stored?.length ?? 0) + changeOverheadBytes;
}
