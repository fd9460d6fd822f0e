import type { LogIndex, Term } from '@d-engine/base';
import { assert, must } from '@d-engine/base';

export interface TermStart {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Where each term begins: the term of every index, in a few numbers. */
export class TermStarts {
  /**
   * Invariant: rises in index and in term. In a log that begins behind a snapshot, the first is the
   * entry before the log's first one, or below it.
   */
  #starts: TermStart[];

  constructor(starts: readonly TermStart[] = []) {
    this.#starts = [...starts];
  }

  append(index: LogIndex, term: Term): void {
    const last = this.#starts.at(-1);
    if (last?.term === term) return;
    assert(last === undefined || last.term < term, () => `term ${term} after ${last?.term}`);
    this.#starts.push({ index, term });
  }

  truncateFrom(index: LogIndex): void {
    while ((this.#starts.at(-1)?.index ?? 0) >= index) this.#starts.pop();
  }

  /** What is to come follows this entry, (0, 0) for none, and all before it is forgotten. */
  restartBehind(index: LogIndex, term: Term): void {
    this.#starts = index === 0 ? [] : [{ index, term }];
  }

  /** The term of `index` and of all after it stay known. */
  forgetBefore(index: LogIndex): void {
    const position = this.#positionAfter(index) - 1;
    if (position > 0) this.#starts.splice(0, position);
  }

  /** 0 before the first entry. */
  termAt(index: LogIndex): Term {
    return this.#starts[this.#positionAfter(index) - 1]?.term ?? 0;
  }

  /** Of the entries `from` to `to`, both included; the first one says the term of `from`. */
  within(from: LogIndex, to: LogIndex): TermStart[] {
    if (from > to) return [];
    const later = this.#starts.slice(this.#positionAfter(from), this.#positionAfter(to));
    return [{ index: from, term: this.termAt(from) }, ...later];
  }

  toArray(): TermStart[] {
    return [...this.#starts];
  }

  /** How many begin at or below `index`. */
  #positionAfter(index: LogIndex): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (must(this.#starts[middle], 'term start').index <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
