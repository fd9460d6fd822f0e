import { assert } from '@d-engine/base';
import { ByteImage, isZero } from './byte-image.ts';
import type { DurablePlace } from './durable-place.ts';

/** A change of a file that no sync has covered yet. */
export type UnsyncedChange =
  | {
      readonly type: 'write';
      readonly position: number;
      readonly length: number;
      /** Undefined: all zeros. */
      readonly bytes: Uint8Array | undefined;
    }
  | { readonly type: 'truncate'; readonly length: number }
  /** Only in a crash: the length that a write gave the file survived, its bytes did not. */
  | { readonly type: 'extend'; readonly length: number };

/**
 * A file: what is on the platter, and in order what is only in the page cache. Reading sees both;
 * a power loss keeps the first and does with the second what it likes.
 */
export class FileNode {
  readonly type = 'file';
  readonly id: number;
  durablePlace: DurablePlace | undefined = undefined;
  /** The latest change of its name that is on the platter. */
  durableChange = 0;
  readonly #durable: ByteImage = new ByteImage();
  #unsynced: UnsyncedChange[] = [];
  /** Changes that have left `#unsynced`, so that a mark stays valid when others sync first. */
  #settled = 0;
  #length = 0;
  /** Whether the running process finds it under a name; only then it takes space. */
  linked = true;

  constructor(id: number) {
    this.id = id;
  }

  /** As the running process sees it. */
  get length(): number {
    return this.#length;
  }

  get unsynced(): readonly UnsyncedChange[] {
    return this.#unsynced;
  }

  /** Fewer bytes than asked for only at the end of the file. */
  read(position: number, length: number): Uint8Array {
    const count = Math.max(Math.min(length, this.#length - position), 0);
    const result = new Uint8Array(count);
    this.#durable.readInto(result, position);
    for (const change of this.#unsynced) overlay(result, position, change);
    return result;
  }

  /** What of it is on the platter, without the page cache. */
  readDurable(position: number, length: number): Uint8Array {
    const result = new Uint8Array(Math.max(Math.min(length, this.#durable.length - position), 0));
    this.#durable.readInto(result, position);
    return result;
  }

  /** Copies the bytes. */
  write(position: number, bytes: Uint8Array): void {
    const copy = isZero(bytes) ? undefined : bytes.slice();
    this.#unsynced.push({ type: 'write', position, length: bytes.length, bytes: copy });
    this.#length = Math.max(this.#length, position + bytes.length);
  }

  truncate(length: number): void {
    this.#unsynced.push({ type: 'truncate', length });
    this.#length = length;
  }

  /** Names the changes up to now: all that a sync that starts now is sure to cover. */
  mark(): number {
    return this.#settled + this.#unsynced.length;
  }

  syncUpTo(mark: number): void {
    const count = mark - this.#settled;
    if (count <= 0) return;
    assert(count <= this.#unsynced.length, 'a sync covers a change that was never made');
    for (const change of this.#unsynced.splice(0, count)) this.#applyDurable(change);
    this.#settled = mark;
  }

  /** The page cache is gone; `survivors`, in order, are what reached the platter of it. */
  loseCache(survivors: readonly UnsyncedChange[]): void {
    this.#settled += this.#unsynced.length;
    this.#unsynced = [];
    for (const change of survivors) this.#applyDurable(change);
    this.#length = this.#durable.length;
  }

  /** Flips bits on the platter: what a disk does on its own after years. */
  corrupt(position: number, length: number): void {
    const count = Math.max(Math.min(length, this.#durable.length - position), 0);
    const bytes = new Uint8Array(count);
    this.#durable.readInto(bytes, position);
    this.#durable.write(
      position,
      bytes.map((byte) => byte ^ 0xa5),
    );
  }

  #applyDurable(change: UnsyncedChange): void {
    if (change.type === 'truncate') this.#durable.setLength(change.length);
    else if (change.type === 'extend') {
      if (change.length > this.#durable.length) this.#durable.setLength(change.length);
    } else if (change.bytes === undefined) this.#durable.writeZeros(change.position, change.length);
    else this.#durable.write(change.position, change.bytes);
  }
}

/** Shows in `target`, which starts at `position` of the file, what the change does to it. */
function overlay(target: Uint8Array, position: number, change: UnsyncedChange): void {
  if (change.type === 'extend') return;
  if (change.type === 'truncate') {
    const keep = Math.max(change.length - position, 0);
    if (keep < target.length) target.fill(0, keep);
    return;
  }
  const start = Math.max(change.position, position);
  const end = Math.min(change.position + change.length, position + target.length);
  if (start >= end) return;
  if (change.bytes === undefined) target.fill(0, start - position, end - position);
  else {
    const from = start - change.position;
    target.set(change.bytes.subarray(from, from + end - start), start - position);
  }
}
