import type { LogIndex, Term } from '@d-engine/base';
import { assert } from '@d-engine/base';

/**
 * The term of every index, as the places where terms begin: a log of millions of entries has a
 * handful of terms, so all of it stays in memory.
 */
export class TermRuns {
  // Invariants: same length; both rise strictly. Run i covers starts[i] up to starts[i + 1] - 1.
  readonly #starts: LogIndex[] = [];
  readonly #terms: Term[] = [];

  /** Tells the term of `index`; entries come in order, and their terms never fall. */
  append(index: LogIndex, term: Term): void {
    const last = this.#terms.length - 1;
    const lastTerm = last < 0 ? 0 : (this.#terms[last] as number);
    if (lastTerm === term) return;
    assert(term > lastTerm, () => `term falls from ${lastTerm} to ${term} at index ${index}`);
    assert(last < 0 || index > (this.#starts[last] as number), () => `index ${index} comes again`);
    this.#starts.push(index);
    this.#terms.push(term);
  }

  /** Forgets `index` and all after it. */
  truncateFrom(index: LogIndex): void {
    while (this.#starts.length > 0 && (this.#starts[this.#starts.length - 1] as number) >= index) {
      this.#starts.pop();
      this.#terms.pop();
    }
  }

  /** Forgets the terms of what is below `index`; that of `index` itself stays known. */
  compact(index: LogIndex): void {
    const run = this.#runOf(index);
    if (run <= 0) return;
    this.#starts.splice(0, run);
    this.#terms.splice(0, run);
  }

  /** Forgets everything but that `index` has `term`. */
  reset(index: LogIndex, term: Term): void {
    this.#starts.length = 0;
    this.#terms.length = 0;
    this.append(index, term);
  }

  /** The term of `index`, which must not be beyond the last entry; undefined before the first. */
  termAt(index: LogIndex): Term | undefined {
    const run = this.#runOf(index);
    return run < 0 ? undefined : this.#terms[run];
  }

  /**
   * The largest index at or below `index` whose term is at most `term`; skips whole terms, so a
   * conflict is settled in one message a term (Raft paper, end of section 5.3).
   */
  lastAtOrBelow(index: LogIndex, term: Term): LogIndex {
    const run = this.#runOf(index);
    if (run < 0) return index;
    if ((this.#terms[run] as number) <= term) return index;
    let low = 0;
    let high = run;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#terms[middle] as number) > term) high = middle;
      else low = middle + 1;
    }
    // `low` is the first run of a larger term: what fits ends right before it.
    return (this.#starts[low] as number) - 1;
  }

  #runOf(index: LogIndex): number {
    const starts = this.#starts;
    let high = starts.length - 1;
    // Nearly every question is about the newest term.
    if (high < 0 || index >= (starts[high] as number)) return high;
    let low = 0;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= index) low = middle;
      else high = middle - 1;
    }
    return index >= (starts[low] as number) ? low : -1;
  }
}
