import type { LogIndex } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { KeysOfSlots } from '../state/slot-tree.ts';
import { compareBytes, SlotTree, slotsAscending, slotsDescending } from '../state/slot-tree.ts';
import type { StateMark } from '../state/state-mark.ts';

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
  readonly bytes: number;
  readonly mark: StateMark;
}

/** What a change costs in memory besides key and value, in two maps and a tree. Measured. */
const changeOverheadBytes = 400;

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

  /** Closes the layer that took the changes since the last one. */
  seal(mark: StateMark): void {
    const bytes = this.#openBytes;
    this.#sealed.push({ changes: this.takeOpen(), bytes, mark });
  }

  /** The changes since the last layer; they stay visible until they are forgotten. */
  takeOpen(): ReadonlyMap<string, PendingChange> {
    const open = this.#open;
    this.#open = new Map();
    this.#openBytes = 0;
    return open;
  }

  /** The first `count` layers are on disk. */
  forget(count: number): void {
    for (const { changes } of this.#sealed.splice(0, count)) this.forgetChanges(changes);
  }

  /** These are on disk. */
  forgetChanges(changes: ReadonlyMap<string, PendingChange>): void {
    for (const change of changes.values()) this.#forgetChange(change);
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

function bytesOf({ key, stored }: PendingChange): number {
  return key.length * 2 + (stored?.length ?? 0) + changeOverheadBytes;
}
