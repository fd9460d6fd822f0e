import type { Life, ScheduledEvent } from './life.ts';

const compactionFloor = 1024;

/** A binary heap ordered by (time, sequence): a total order, so its inner layout never shows. */
export class EventQueue {
  #heap: ScheduledEvent[] = [];
  #sequence = 0;
  #cancelled = 0;

  get length(): number {
    return this.#heap.length;
  }

  peek(): ScheduledEvent | undefined {
    return this.#heap[0];
  }

  add(timeMs: number, life: Life | undefined, action: () => void): ScheduledEvent {
    const event = { timeMs, sequence: this.#sequence++, life, action };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  /** Puts an event that was taken out back in, behind all others of its new time. */
  addAgain(event: ScheduledEvent, timeMs: number): void {
    event.timeMs = timeMs;
    event.sequence = this.#sequence++;
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
  }

  take(): ScheduledEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    if (first.action === undefined && this.#cancelled > 0) this.#cancelled -= 1;
    return first;
  }

  /** A cancelled event stays in the heap until its time, unless they outnumber the living. */
  cancel(event: ScheduledEvent): void {
    if (event.action === undefined) return;
    event.action = undefined;
    this.#cancelled += 1;
    if (this.#cancelled > compactionFloor && this.#cancelled * 2 > this.#heap.length) {
      this.#compact();
    }
  }

  #compact(): void {
    this.#heap = this.#heap.filter((event) => event.action !== undefined);
    this.#heap.sort((one, other) => (isBefore(one, other) ? -1 : 1));
    this.#cancelled = 0;
  }

  #rise(start: number): void {
    const heap = this.#heap;
    const event = heap[start] as ScheduledEvent;
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as ScheduledEvent;
      if (!isBefore(event, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = event;
  }

  #sink(start: number): void {
    const heap = this.#heap;
    const event = heap[start] as ScheduledEvent;
    const length = heap.length;
    let index = start;
    for (;;) {
      let childIndex = index * 2 + 1;
      if (childIndex >= length) break;
      const rightIndex = childIndex + 1;
      if (rightIndex < length && isBefore(heap[rightIndex]!, heap[childIndex]!)) {
        childIndex = rightIndex;
      }
      const child = heap[childIndex] as ScheduledEvent;
      if (!isBefore(child, event)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = event;
  }
}

function isBefore(one: ScheduledEvent, other: ScheduledEvent): boolean {
  if (one.timeMs !== other.timeMs) return one.timeMs < other.timeMs;
  return one.sequence < other.sequence;
}
