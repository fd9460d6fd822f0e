import { assert } from '@d-engine/base';

interface Planned<Id> {
  readonly dueAtMs: number;
  readonly id: Id;
}

/** Heap entries that may lie around for ids that are gone, besides as many as there are ids. */
const staleEntriesMax = 64;

/**
 * What goes away by itself, in the order of cluster time; what is due at the same time in the order
 * of ids, so that every member takes the same first, whatever it went through before. To put an id
 * off costs nothing: it is looked at again when its old time comes.
 */
export class ExpiryQueue<Id extends string | number> {
  readonly #dueAtMs = new Map<Id, number>();
  /** The time that the one valid heap entry of an id stands for: never after its due time. */
  readonly #plannedAtMs = new Map<Id, number>();
  /** A binary heap; its first entry is the earliest. */
  #heap: Planned<Id>[] = [];

  get size(): number {
    return this.#dueAtMs.size;
  }

  /** Entries of the heap, those that say nothing any more included. */
  get plannedCount(): number {
    return this.#heap.length;
  }

  /** When the first is due; undefined when nothing goes away by itself. */
  get nextDueMs(): number | undefined {
    return this.#first()?.dueAtMs;
  }

  set(id: Id, dueAtMs: number): void {
    this.#dueAtMs.set(id, dueAtMs);
    const plannedAtMs = this.#plannedAtMs.get(id);
    if (plannedAtMs !== undefined && plannedAtMs <= dueAtMs) return;
    this.#plan(id, dueAtMs);
  }

  delete(id: Id): void {
    if (!this.#dueAtMs.delete(id)) return;
    this.#plannedAtMs.delete(id);
    if (this.#heap.length > this.size * 2 + staleEntriesMax) this.#rebuild();
  }

  /** Takes the first out if it is due at `nowMs`. */
  takeDue(nowMs: number): Id | undefined {
    const first = this.#first();
    if (first === undefined || first.dueAtMs > nowMs) return undefined;
    this.#removeFirst();
    this.#dueAtMs.delete(first.id);
    this.#plannedAtMs.delete(first.id);
    return first.id;
  }

  /** The earliest of all, put in its true place if need be. */
  #first(): Planned<Id> | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      const dueAtMs = this.#dueAtMs.get(first.id);
      const isValid = dueAtMs !== undefined && this.#plannedAtMs.get(first.id) === first.dueAtMs;
      if (isValid && dueAtMs === first.dueAtMs) return first;
      this.#removeFirst();
      if (isValid) this.#plan(first.id, dueAtMs);
    }
  }

  #plan(id: Id, dueAtMs: number): void {
    this.#plannedAtMs.set(id, dueAtMs);
    this.#heap.push({ dueAtMs, id });
    this.#rise(this.#heap.length - 1);
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    assert(last !== undefined, 'an empty heap has no first entry');
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  /** Without the entries that say nothing any more. */
  #rebuild(): void {
    this.#heap = [];
    for (const [id, dueAtMs] of this.#dueAtMs) this.#plan(id, dueAtMs);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at] as Planned<Id>, heap[parent] as Planned<Id>)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    let at = from;
    for (;;) {
      const left = at * 2 + 1;
      const right = left + 1;
      let least = at;
      if (left < heap.length && isBefore(heap[left] as Planned<Id>, heap[least] as Planned<Id>)) {
        least = left;
      }
      if (right < heap.length && isBefore(heap[right] as Planned<Id>, heap[least] as Planned<Id>)) {
        least = right;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(one: number, other: number): void {
    const heap = this.#heap;
    const entry = heap[one] as Planned<Id>;
    heap[one] = heap[other] as Planned<Id>;
    heap[other] = entry;
  }
}

function isBefore<Id extends string | number>(one: Planned<Id>, other: Planned<Id>): boolean {
  if (one.dueAtMs !== other.dueAtMs) return one.dueAtMs < other.dueAtMs;
  return one.id < other.id;
}
