import type { LogIndex, Term } from '@d-engine/base';
import { assert, must } from '@d-engine/base';

export interface TermStart {
  readonly index: LogIndex;
  readonly term: Term;
}

/** Where each term begins: the term of every index, in a few numbers. */
export class TermStarts {
  /** Invariant: rises in index and in term. */
  readonly #starts: TermStart[];

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

  /** 0 before the first entry. */
  termAt(index: LogIndex): Term {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (must(this.#starts[middle], 'term start').index <= index) low = middle + 1;
      else high = middle;
    }
    return this.#starts[low - 1]?.term ?? 0;
  }

  toArray(): TermStart[] {
    return [...this.#starts];
  }
}
