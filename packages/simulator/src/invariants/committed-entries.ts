import type { LogIndex, Term } from '@d-engine/base';

interface CommittedEntry {
  readonly term: Term;
  /** Of the leader that committed it. */
  readonly inTerm: Term;
}

/** Every entry that a leader was seen to commit; DurableQuorum asks for that leader. */
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
