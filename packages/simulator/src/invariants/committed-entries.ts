import type { LogIndex, Term } from '@d-engine/base';

interface CommittedEntry {
  readonly term: Term;
  /** Of the member that was first seen to know it committed: its leader's term, or a later one. */
  readonly inTerm: Term;
}

/** Every entry that any member ever knew to be committed. */
export class CommittedEntries {
  readonly #entries: (CommittedEntry | undefined)[] = [];
  #newestTerm: Term = 0;

  /** Of a committed entry: something was committed in that term. */
  get newestTerm(): Term {
    return this.#newestTerm;
  }

  get lastIndex(): LogIndex {
    return Math.max(0, this.#entries.length - 1);
  }

  at(index: LogIndex): CommittedEntry | undefined {
    return this.#entries[index];
  }

  add(index: LogIndex, entry: CommittedEntry): void {
    this.#entries[index] = entry;
    this.#newestTerm = Math.max(this.#newestTerm, entry.term);
  }
}
