import type { Clock, Entry, Timer } from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { Persist } from '@d-engine/raft';

/** When entries that nobody waits for are written: with MemFirst, and there only. */
export type FlushPolicy =
  | { readonly kind: 'immediate' }
  /** At `threshold` entries, and no later than `intervalMs` after the first of them. */
  | { readonly kind: 'batch'; readonly threshold: number; readonly intervalMs: number };

/**
 * What Raft wants on disk, on its way there. What somebody waits for goes at once, with all before
 * it; the rest waits for company, so that one sync does for many. Nothing is ever dropped: what a
 * crash takes from here is what MemFirst may forget.
 */
export class LogFlusher {
  readonly #clock: Clock;
  readonly #policy: FlushPolicy;
  readonly #write: (persist: Persist) => void;
  /** Consecutive; none of them but the first removes anything. */
  #held: Persist[] = [];
  #heldEntries = 0;
  #heldBytes = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, policy: FlushPolicy, write: (persist: Persist) => void) {
    this.#clock = clock;
    this.#policy = policy;
    this.#write = write;
  }

  add(persist: Persist): void {
    // With DiskFirst always: nothing is held, nothing is counted.
    if (persist.sync === 'now' && this.#held.length === 0) return this.#write(persist);
    const removes = persist.truncateFrom !== undefined || persist.reset !== undefined;
    if (removes || persist.hardState !== undefined) this.flush();
    this.#held.push(persist);
    this.#heldEntries += persist.entries.length;
    for (const { encoded } of persist.entries) this.#heldBytes += encoded.length;
    const policy = this.#policy;
    const isFull =
      policy.kind === 'immediate' ||
      this.#heldEntries >= policy.threshold ||
      this.#heldBytes >= limits.logBatchBytesMax;
    if (isFull || persist.sync === 'now') this.flush();
    else this.#timer ??= this.#clock.setTimer(policy.intervalMs, () => this.flush());
  }

  /** As one write. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const held = this.#held;
    const [first] = held;
    const last = held[held.length - 1];
    if (first === undefined || last === undefined) return;
    this.#held = [];
    this.#heldEntries = 0;
    this.#heldBytes = 0;
    if (first === last) {
      this.#write(first);
      return;
    }
    const entries: Entry[] = held.flatMap((persist) => persist.entries);
    const { hardState, reset, truncateFrom } = first;
    this.#write({ ...last, hardState, reset, truncateFrom, entries, sync: 'now' });
  }
}
