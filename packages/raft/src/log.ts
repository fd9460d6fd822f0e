import type { Entry, LogIndex, Term } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { RecoveredState } from './raft-config.ts';
import { TermRuns } from './term-runs.ts';

/** An entry that is not there any more, and after which the log goes on. */
export interface LogPlace {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What a write to disk takes from the log. */
export interface LogWrite {
  readonly reset: LogPlace | undefined;
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
}

/**
 * The log as the algorithm sees it: the term of every index, and the newest entries themselves.
 * Older entries are on disk only, those before `firstIndex` in a snapshot only.
 */
export class RaftLog {
  readonly #runs: TermRuns = new TermRuns();
  // Invariants: #precedingIndex <= #lastIndex; its term is known.
  #precedingIndex: LogIndex;
  // Invariant: #tail[#head + i] is entry #tailFirst + i; the slots before #head are empty; the last
  // slot is entry #lastIndex, or the tail is empty and #tailFirst === #lastIndex + 1.
  #tail: (Entry | undefined)[] = [];
  #head = 0;
  #tailFirst: LogIndex;
  #tailBytes = 0;
  #lastIndex: LogIndex;
  #lastClusterTimeMs: number;
  // Invariant: #handedOver <= #lastIndex; what lies between goes with the next write.
  #handedOver: LogIndex;
  // Invariant: undefined, or #handedOver === #truncateFrom - 1.
  #truncateFrom: LogIndex | undefined;
  // Invariant: undefined, or #handedOver === #precedingIndex === #reset.index.
  #reset: LogPlace | undefined;

  constructor(recovered: RecoveredState) {
    this.#precedingIndex = recovered.firstIndex - 1;
    if (this.#precedingIndex > 0) this.#runs.append(this.#precedingIndex, recovered.precedingTerm);
    for (const start of recovered.termStarts) this.#runs.append(start.index, start.term);
    this.#lastIndex = recovered.lastIndex;
    this.#tailFirst = recovered.lastIndex + 1;
    this.#handedOver = recovered.lastIndex;
    const snapshotTimeMs = recovered.snapshot?.clusterTimeMs ?? 0;
    this.#lastClusterTimeMs = Math.max(recovered.lastClusterTimeMs, snapshotTimeMs);
    const lastTerm = this.termAt(this.#lastIndex);
    assert(lastTerm !== undefined, 'the term of the last entry is known');
  }

  /** The first entry that is in memory or on disk; lastIndex + 1 when none is. */
  get firstIndex(): LogIndex {
    return this.#precedingIndex + 1;
  }

  /** What the first entry follows: committed, and its effect is in a snapshot; 0 for none. */
  get precedingIndex(): LogIndex {
    return this.#precedingIndex;
  }

  get lastIndex(): LogIndex {
    return this.#lastIndex;
  }

  get lastTerm(): Term {
    return this.termAt(this.#lastIndex) as Term;
  }

  /** Bytes of the entries in memory. */
  get tailBytes(): number {
    return this.#tailBytes;
  }

  /** The largest cluster time ever seen in this log; truncation does not take it back. */
  get lastClusterTimeMs(): number {
    return this.#lastClusterTimeMs;
  }

  /** 0 for index 0; undefined beyond the last entry and before `precedingIndex`. */
  termAt(index: LogIndex): Term | undefined {
    if (index === 0) return 0;
    if (index > this.#lastIndex || index < this.#precedingIndex) return undefined;
    return this.#runs.termAt(index);
  }

  /** See {@link TermRuns.lastAtOrBelow}. */
  lastAtOrBelow(index: LogIndex, term: Term): LogIndex {
    return this.#runs.lastAtOrBelow(Math.min(index, this.#lastIndex), term);
  }

  /** Raft paper, section 5.4.1: whether a log that ends so has all that this one has. */
  isUpToDate(lastLogIndex: LogIndex, lastLogTerm: Term): boolean {
    const ownTerm = this.lastTerm;
    if (lastLogTerm !== ownTerm) return lastLogTerm > ownTerm;
    return lastLogIndex >= this.#lastIndex;
  }

  append(entry: Entry): void {
    assert(entry.index === this.#lastIndex + 1, () => {
      return `entry ${entry.index} does not follow ${this.#lastIndex}`;
    });
    this.#runs.append(entry.index, entry.term);
    this.#tail.push(entry);
    this.#tailBytes += entry.encoded.length;
    this.#lastIndex = entry.index;
    if (entry.clusterTimeMs > this.#lastClusterTimeMs) {
      this.#lastClusterTimeMs = entry.clusterTimeMs;
    }
  }

  /** Removes `index` and all after it. True when the disk had been given some of it already. */
  truncateFrom(index: LogIndex): boolean {
    assert(index >= this.firstIndex && index <= this.#lastIndex, () => {
      return `truncation at ${index} outside ${this.firstIndex} to ${this.#lastIndex}`;
    });
    this.#runs.truncateFrom(index);
    while (this.#lastIndex >= index && this.#tail.length > this.#head) {
      this.#tailBytes -= (this.#tail.pop() as Entry).encoded.length;
      this.#lastIndex -= 1;
    }
    this.#lastIndex = index - 1;
    if (this.#tailFirst > index) {
      this.#tail = [];
      this.#head = 0;
      this.#tailFirst = index;
    }
    assert(this.#tailBytes >= 0, 'bytes of the tail');
    if (index > this.#handedOver) return false;
    // A second truncation of one batch that reaches lower takes the place of the first.
    this.#truncateFrom = index;
    this.#handedOver = index - 1;
    return true;
  }

  /** Forgets `upTo` and all before it: a durable snapshot has them. Their write left long ago. */
  compact(upTo: LogIndex): void {
    assert(upTo <= this.#handedOver, () => `entry ${upTo} was never written`);
    if (upTo <= this.#precedingIndex) return;
    this.#precedingIndex = upTo;
    this.#runs.compact(upTo);
    while (this.#tailFirst <= upTo) this.#dropOldest();
    this.#repack();
  }

  /** A snapshot takes the place of every entry: the log goes on after it. */
  reset(place: LogPlace, clusterTimeMs: number): void {
    this.#runs.reset(place.index, place.term);
    this.#precedingIndex = place.index;
    this.#tail = [];
    this.#head = 0;
    this.#tailBytes = 0;
    this.#tailFirst = place.index + 1;
    this.#lastIndex = place.index;
    this.#handedOver = place.index;
    this.#truncateFrom = undefined;
    this.#reset = place;
    this.#lastClusterTimeMs = Math.max(this.#lastClusterTimeMs, clusterTimeMs);
  }

  get hasWrite(): boolean {
    if (this.#truncateFrom !== undefined || this.#reset !== undefined) return true;
    return this.#handedOver < this.#lastIndex;
  }

  /** What the disk has not been given yet. */
  takeWrite(): LogWrite {
    const entries = this.entries(this.#handedOver + 1, this.#lastIndex);
    assert(entries !== undefined, 'entries that no write took are in memory');
    const truncateFrom = this.#truncateFrom;
    const reset = this.#reset;
    this.#truncateFrom = undefined;
    this.#reset = undefined;
    this.#handedOver = this.#lastIndex;
    return { reset, truncateFrom, entries };
  }

  isInMemory(index: LogIndex): boolean {
    return index >= this.#tailFirst && index <= this.#lastIndex;
  }

  /** The first index in memory; lastIndex + 1 when there is none. */
  get memoryFirstIndex(): LogIndex {
    return this.#tailFirst;
  }

  /** Both ends included; undefined when not all of them are in memory. */
  entries(from: LogIndex, to: LogIndex): readonly Entry[] | undefined {
    if (to < from) return [];
    if (!this.isInMemory(from) || !this.isInMemory(to)) return undefined;
    return this.#slice(from, to);
  }

  /** Entries in memory from `from` on: at least one, then up to both limits. */
  batch(from: LogIndex, countMax: number, bytesMax: number): readonly Entry[] {
    assert(this.isInMemory(from), () => `entry ${from} is not in memory`);
    const base = this.#head - this.#tailFirst;
    const end = Math.min(this.#lastIndex, from + countMax - 1);
    let to = from;
    let bytes = (this.#tail[base + from] as Entry).encoded.length;
    while (to < end) {
      bytes += (this.#tail[base + to + 1] as Entry).encoded.length;
      if (bytes > bytesMax) break;
      to += 1;
    }
    return this.#slice(from, to);
  }

  #slice(from: LogIndex, to: LogIndex): readonly Entry[] {
    const base = this.#head - this.#tailFirst;
    return this.#tail.slice(base + from, base + to + 1) as Entry[];
  }

  /** Drops the oldest entries up to `upTo` from memory while they take more than `bytesMax`. */
  trim(upTo: LogIndex, bytesMax: number): void {
    const last = Math.min(upTo, this.#handedOver);
    while (this.#tailBytes > bytesMax && this.#tailFirst <= last) this.#dropOldest();
    this.#repack();
  }

  #dropOldest(): void {
    this.#tailBytes -= (this.#tail[this.#head] as Entry).encoded.length;
    this.#tail[this.#head] = undefined;
    this.#head += 1;
    this.#tailFirst += 1;
  }

  #repack(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#tail.length) return;
    this.#tail = this.#tail.slice(this.#head);
    this.#head = 0;
  }
}
