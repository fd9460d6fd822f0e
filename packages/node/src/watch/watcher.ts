import type {
  DEngineError,
  HistoryId,
  ResumeToken,
  Revision,
  WatchBatch,
  WatchEvent,
} from '@d-engine/base';
import type { StateEvent } from '@d-engine/storage';
import type { EventRing } from './event-ring.ts';
import { isSelected, type WatchSelection } from './watch-selection.ts';

/** What a watcher hears; after `canceled` nothing follows. */
export type WatchNotice =
  | Exclude<WatchBatch, { readonly type: 'resync' }>
  | { readonly type: 'canceled'; readonly error: DEngineError };

/** A revision, and of which history it is if that is known. */
export interface WatchPlace {
  readonly revision: Revision;
  readonly historyId?: HistoryId | undefined;
}

export interface WatcherRequest {
  readonly selection: WatchSelection;
  /** Events above it; undefined: from now on. */
  readonly after: WatchPlace | undefined;
  readonly previousValues: boolean;
  /** Undefined: as configured. */
  readonly progressIntervalMs: number | undefined;
}

/** A watch as whoever tells of it sees it. */
export interface OpenWatch {
  readonly request: WatcherRequest;
  /** What comes next; undefined when there is nothing now. */
  next(): WatchNotice | undefined;
  close(): void;
}

/** Whoever can begin a watch, on any road in. */
export interface WatchOpener {
  /** Take what there is once it is open; `wake` says when there is more. */
  open(request: WatcherRequest, wake: () => void): OpenWatch | DEngineError;
}

/** What a watcher asks of its hub. */
export interface WatcherHome {
  readonly ring: EventRing;
  /** Everything in the ring was told: from now on what is selected is offered. */
  onCaughtUp(watcher: Watcher): void;
  /** What it had to tell yet is no longer kept. */
  onOverflow(watcher: Watcher): void;
  onDelivered(watcher: Watcher, events: number): void;
  close(watcher: Watcher): void;
}

/**
 * `waiting`: for a history, or for its revision to be applied. `replaying`: reads the ring, from a
 * number on. `live`: is offered what happens.
 */
type Phase =
  | { readonly type: 'waiting' }
  | { readonly type: 'replaying'; number: number }
  | { readonly type: 'live' }
  | { readonly type: 'canceled'; readonly error: DEngineError; isTold: boolean }
  | { readonly type: 'closed' };

/** One watch of one caller, who pulls: what is not taken waits here or in the ring. */
export class Watcher implements OpenWatch {
  readonly request: WatcherRequest & { readonly after: WatchPlace };
  /** Tells the caller that {@link next} may have something. */
  readonly wake: () => void;
  /** When it is due a sign of life. */
  progressDueAtMs: number = Number.POSITIVE_INFINITY;
  readonly #home: WatcherHome;
  #phase: Phase = { type: 'waiting' };
  /** Of what was begun with, until it is told. */
  #ready: ResumeToken | undefined;
  #progress: ResumeToken | undefined;
  #historyId: HistoryId = '';
  /** Offered and not taken yet, from `#head` on. */
  #pending: StateEvent[] = [];
  #head = 0;
  /** The last turn in which it was offered something. */
  #turn = -1;

  constructor(home: WatcherHome, request: Watcher['request'], wake: () => void) {
    this.#home = home;
    this.request = request;
    this.wake = wake;
  }

  get phase(): Phase['type'] {
    return this.#phase.type;
  }

  get pendingCount(): number {
    return this.#pending.length - this.#head;
  }

  /** Whether it was told everything that happened. */
  get isQuiet(): boolean {
    const { type } = this.#phase;
    return type === 'live' && this.pendingCount === 0 && this.#ready === undefined;
  }

  /** Of the oldest event that waits here; undefined when none does. */
  get oldestPending(): number | undefined {
    return this.#pending[this.#head]?.revision;
  }

  /** It watches from after this point on; the ring has all above it. */
  begin(token: ResumeToken): void {
    this.#historyId = token.historyId;
    this.#ready = token;
    const number = this.#home.ring.firstAbove(token.revision);
    this.#phase = { type: 'replaying', number };
    if (number === this.#home.ring.next) this.#goLive();
  }

  /** How many events it already had before this turn, when it is the first one of the turn. */
  lagBefore(turn: number): number | undefined {
    if (this.#turn === turn) return undefined;
    this.#turn = turn;
    return this.pendingCount;
  }

  offer(event: StateEvent): void {
    if (this.#phase.type === 'live') this.#pending.push(event);
  }

  tellProgress(revision: number): void {
    this.#progress = { historyId: this.#historyId, revision };
  }

  /** Lets go of everything; the caller hears why. */
  cancel(error: DEngineError): void {
    if (this.#phase.type === 'canceled' || this.#phase.type === 'closed') return;
    this.#phase = { type: 'canceled', error, isTold: false };
    this.#forget();
  }

  /** The caller is gone. */
  close(): void {
    if (this.#phase.type === 'closed') return;
    this.#phase = { type: 'closed' };
    this.#forget();
    this.#home.close(this);
  }

  /** What comes next; undefined when there is nothing now. */
  next(): WatchNotice | undefined {
    const canceled = this.#takeCanceled();
    if (canceled !== undefined) return canceled;
    if (this.#ready !== undefined) {
      const token = this.#ready;
      this.#ready = undefined;
      return { type: 'ready', token };
    }
    if (this.#progress !== undefined) {
      const token = this.#progress;
      this.#progress = undefined;
      return { type: 'progress', token };
    }
    const events = this.#phase.type === 'replaying' ? this.#replay() : this.#takePending();
    // Replaying may have found that its place is gone.
    return events === undefined ? this.#takeCanceled() : this.#told(events);
  }

  #takeCanceled(): WatchNotice | undefined {
    const phase = this.#phase;
    if (phase.type !== 'canceled' || phase.isTold) return undefined;
    phase.isTold = true;
    return { type: 'canceled', error: phase.error };
  }

  #told(events: readonly StateEvent[]): WatchNotice {
    const { revision } = events[0] as StateEvent;
    this.#home.onDelivered(this, events.length);
    const withPrevious = this.request.previousValues;
    return {
      type: 'events',
      token: { historyId: this.#historyId, revision },
      events: events.map((event) => watchEvent(event, withPrevious)),
    };
  }

  /** The pending events of the oldest revision. */
  #takePending(): readonly StateEvent[] | undefined {
    const first = this.#pending[this.#head];
    if (first === undefined) return undefined;
    let end = this.#head + 1;
    while (this.#pending[end]?.revision === first.revision) end += 1;
    const events = this.#pending.slice(this.#head, end);
    this.#head = end;
    if (this.#head === this.#pending.length) {
      this.#pending = [];
      this.#head = 0;
    }
    return events;
  }

  /** The selected events of the next revision in the ring that has any. */
  #replay(): readonly StateEvent[] | undefined {
    const phase = this.#phase;
    if (phase.type !== 'replaying') return undefined;
    const { ring } = this.#home;
    if (phase.number < ring.first) {
      this.#home.onOverflow(this);
      return undefined;
    }
    const found: StateEvent[] = [];
    const end = ring.next;
    for (; phase.number < end; phase.number++) {
      const event = ring.at(phase.number);
      const [first] = found;
      if (first !== undefined && event.revision !== first.revision) break;
      if (isSelected(this.request.selection, event.key)) found.push(event);
    }
    if (phase.number === end) this.#goLive();
    return found.length === 0 ? undefined : found;
  }

  #goLive(): void {
    this.#phase = { type: 'live' };
    this.#home.onCaughtUp(this);
  }

  #forget(): void {
    this.#pending = [];
    this.#head = 0;
    this.#ready = undefined;
    this.#progress = undefined;
  }
}

function watchEvent(event: StateEvent, withPrevious: boolean): WatchEvent {
  const { type, key, value, previous } = event;
  return { type, key, value, previous: withPrevious ? previous : undefined };
}
