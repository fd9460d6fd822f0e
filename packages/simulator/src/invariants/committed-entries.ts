import type { LogIndex, Term } from '@d-engine/base';

interface CommittedEntry {
  readonly term: Term;
  /** Of the leader that committed it. */
  readonly inTerm: Term;
  /** It says who belongs to the cluster: synced before it counts, so no crash can take it. */
  readonly isOfMembers: boolean;
}

/** What a new history gave up: the terms of consecutive entries from `from` on. */
interface GivenUp {
  readonly from: LogIndex;
  readonly terms: readonly Term[];
}

/** Every entry that a leader was seen to commit; DurableQuorum asks for that leader. */
export class CommittedEntries {
  readonly #entries: (CommittedEntry | undefined)[] = [];
  readonly #givenUp: GivenUp[] = [];
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

  /** The newest that says who belongs to the cluster; 0 for none. */
  get lastOfMembers(): LogIndex {
    return Math.max(
      0,
      this.#entries.findLastIndex((entry) => entry?.isOfMembers === true),
    );
  }

  add(index: LogIndex, entry: CommittedEntry): void {
    this.#entries[index] = entry;
    this.#newestTerm = Math.max(this.#newestTerm, entry.term);
  }

  /** A new history began without these. */
  giveUpFrom(from: LogIndex): void {
    const gone = this.#entries.splice(from);
    if (gone.length > 0) this.#givenUp.push({ from, terms: gone.map((entry) => entry?.term ?? 0) });
  }

  /** Whether this entry was committed, and a new history began without it. */
  wasGivenUp(index: LogIndex, term: Term | undefined): boolean {
    return this.#givenUp.some(({ from, terms }) => terms[index - from] === term && index >= from);
  }

  /**
   * The term of what is in a snapshot only, behind which a log goes on after entry `lastIndex` of
   * `lastTerm`: of the history that this one is of.
   */
  termWithin(index: LogIndex, lastIndex: LogIndex, lastTerm: Term | undefined): Term | undefined {
    const run = this.#givenUp.find(({ from, terms }) => {
      return lastIndex >= from && terms[lastIndex - from] === lastTerm;
    });
    if (run !== undefined && index >= run.from) return run.terms[index - run.from];
    return this.#entries[index]?.term;
  }
}
