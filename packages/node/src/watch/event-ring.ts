import type { Revision } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { StateEvent } from '@d-engine/storage';

export interface EventRingLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** What an event costs besides its bytes: the object, its buffers' headers, its place. */
const eventOverheadBytes = 320;
/** Dropped places at the front are given back when they are this many, and half of all. */
const slackMax = 1_024;

/**
 * The newest events, whole revisions at a time. Each has a number: they count on from 0, whatever
 * was dropped.
 *
 * Invariant: every event above `floor` is here.
 */
export class EventRing {
  readonly #limits: EventRingLimits;
  #events: (StateEvent | undefined)[] = [];
  /** Places of `#events` before the first event that is kept. */
  #head = 0;
  /** The number of the first event that is kept. */
  #first = 0;
  #bytes = 0;
  #floor: Revision;

  constructor(limits: EventRingLimits, floor: Revision) {
    this.#limits = limits;
    this.#floor = floor;
  }

  /** Events up to here were dropped, or never here. */
  get floor(): Revision {
    return this.#floor;
  }

  /** The number of the first event that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next event gets. */
  get next(): number {
    return this.#first + this.#events.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The event of that number. Requires: it is kept. */
  at(number: number): StateEvent {
    const event = this.#events[this.#head + number - this.#first];
    assert(event !== undefined, 'an event that is not kept');
    return event;
  }

  /** In the order of their revisions, all of the last one included. */
  append(events: readonly StateEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += costOf(event);
    }
    const { eventsMax, bytesMax } = this.#limits;
    while (this.next - this.#first > eventsMax || this.#bytes > bytesMax) this.#dropRevision();
    if (this.#head > slackMax && this.#head * 2 > this.#events.length) this.#compact();
  }

  /** The number of the first event above the revision. Requires: it is not below the floor. */
  firstAbove(revision: Revision): number {
    assert(revision >= this.#floor, 'events below the floor are not known');
    let low = this.#first;
    let high = this.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle).revision > revision) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Forgets everything: what is known begins above this revision. */
  reset(floor: Revision): void {
    this.#first = this.next;
    this.#events = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#floor = floor;
  }

  #dropRevision(): void {
    const { revision } = this.at(this.#first);
    while (this.#first < this.next && this.at(this.#first).revision === revision) {
      this.#bytes -= costOf(this.at(this.#first));
      this.#events[this.#head] = undefined;
      this.#head += 1;
      this.#first += 1;
    }
    this.#floor = revision;
  }

  #compact(): void {
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }
}

function costOf({ key, value, previous }: StateEvent): number {
  return key.length + (value?.length ?? 0) + (previous?.length ?? 0) + eventOverheadBytes;
}
