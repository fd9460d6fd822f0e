import { assert } from '@d-engine/base';
import { fieldBytes } from './header-list.ts';

/** What each side's table may hold before any SETTINGS arrive (RFC 9113, 6.5.2). */
export const initialTableBytes = 4096;

/**
 * The fields that both sides of a connection remember, newest first (RFC 7541, 2.3.2): a ring, so
 * that adding and dropping move nothing.
 */
export class DynamicTable {
  /** Slots of the ring; a power of two of them, so that a position wraps with a mask. */
  #names: string[] = [];
  #values: string[] = [];
  #newestSlot = 0;
  #count = 0;
  #sizeBytes = 0;
  #maxBytes: number;
  #version = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Another number whenever an index may mean another field than before. */
  get version(): number {
    return this.#version;
  }

  /** Position 0 is the newest. The caller keeps to {@link count}. */
  nameAt(position: number): string {
    return this.#names[(this.#newestSlot - position) & (this.#names.length - 1)] as string;
  }

  valueAt(position: number): string {
    return this.#values[(this.#newestSlot - position) & (this.#values.length - 1)] as string;
  }

  /** Drops the oldest until it fits; one that never fits empties the table (RFC 7541, 4.4). */
  add(name: string, value: string): void {
    this.#version++;
    const bytes = fieldBytes(name, value);
    while (this.#count > 0 && this.#sizeBytes + bytes > this.#maxBytes) this.removeOldest();
    if (bytes > this.#maxBytes) return;
    if (this.#count === this.#names.length) this.#grow();
    this.#newestSlot = (this.#newestSlot + 1) & (this.#names.length - 1);
    this.#names[this.#newestSlot] = name;
    this.#values[this.#newestSlot] = value;
    this.#count++;
    this.#sizeBytes += bytes;
  }

  removeOldest(): void {
    assert(this.#count > 0, 'the dynamic table is empty');
    this.#version++;
    const slot = (this.#newestSlot - this.#count + 1) & (this.#names.length - 1);
    this.#sizeBytes -= fieldBytes(this.#names[slot] as string, this.#values[slot] as string);
    // The ring must not keep a long string alive that the table's bound no longer counts.
    this.#names[slot] = '';
    this.#values[slot] = '';
    this.#count--;
  }

  /** Sets the bound and drops what does not fit it any more (RFC 7541, 4.3). */
  resize(maxBytes: number): void {
    this.#version++;
    this.#maxBytes = maxBytes;
    while (this.#sizeBytes > maxBytes) this.removeOldest();
  }

  #grow(): void {
    const names: string[] = [];
    const values: string[] = [];
    for (let position = this.#count - 1; position >= 0; position--) {
      names.push(this.nameAt(position));
      values.push(this.valueAt(position));
    }
    const slots = Math.max(16, this.#count * 2);
    while (names.length < slots) {
      names.push('');
      values.push('');
    }
    this.#names = names;
    this.#values = values;
    this.#newestSlot = (this.#count - 1) & (slots - 1);
  }
}
