import type { HistoryId, KeyValue, Revision } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { StateMachine } from '@d-engine/storage';

/** What a watch must tell of one key at one revision. */
export interface TrueEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** Empty for a delete. */
  readonly value: string;
}

/** What the truth is read off. */
export type WatchedState = Pick<StateMachine, 'revision' | 'historyId' | 'get'>;

/**
 * All that happened to the keys, revision by revision: read off the states of the members as they
 * come to be, never from events. Whoever is first at a revision tells it; that the others have the
 * same state there is checked elsewhere.
 */
export class WatchTruth {
  readonly #keys: readonly string[];
  readonly #keyBytes: readonly Uint8Array[];
  readonly #events = new Map<Revision, readonly TrueEvent[]>();
  /** Those with events, rising. */
  readonly #revisions: Revision[] = [];
  #last: Revision = 0;
  #historyId: HistoryId | null = null;
  #state: readonly (KeyValue | null)[];

  constructor(keys: readonly string[]) {
    this.#keys = keys;
    this.#keyBytes = keys.map((key) => Buffer.from(key));
    this.#state = keys.map(() => null);
  }

  /** Up to where it is known. */
  get last(): Revision {
    return this.#last;
  }

  /** A member has applied one more entry, or loaded a snapshot. */
  observe(state: WatchedState): void {
    if (state.revision <= this.#last) return;
    const before = this.#state;
    this.#state = state.get(this.#keyBytes);
    const isSameHistory = this.#historyId === null || this.#historyId === state.historyId;
    const { revision } = state;
    if (isSameHistory) {
      assert(revision === this.#last + 1, 'nobody is the first to load a snapshot');
      this.#add(revision, before);
    }
    this.#historyId = state.historyId;
    this.#last = revision;
  }

  /** Of these keys, at this revision; in the order of the keys. */
  at(revision: Revision, selects: (key: string) => boolean): readonly TrueEvent[] {
    return (this.#events.get(revision) ?? []).filter(({ key }) => selects(key));
  }

  /** The first revision above `from`, not above `to`, at which something happened to such a key. */
  firstBetween(
    from: Revision,
    to: Revision,
    selects: (key: string) => boolean,
  ): Revision | undefined {
    const start = this.#revisions.findLastIndex((revision) => revision <= from) + 1;
    for (const revision of this.#revisions.slice(start)) {
      if (revision > to) return undefined;
      if (this.at(revision, selects).length > 0) return revision;
    }
    return undefined;
  }

  #add(revision: Revision, before: readonly (KeyValue | null)[]): void {
    const events: TrueEvent[] = [];
    for (const [position, key] of this.#keys.entries()) {
      const now = this.#state[position] ?? null;
      if (now !== null && now.modRevision === revision) {
        events.push({ type: 'put', key, value: textOf(now.value) });
      } else if (now === null && (before[position] ?? null) !== null) {
        events.push({ type: 'delete', key, value: '' });
      }
    }
    if (events.length === 0) return;
    this.#events.set(revision, events);
    this.#revisions.push(revision);
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
