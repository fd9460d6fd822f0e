import type { LogIndex, NodeId, Term } from '@d-engine/base';

export interface SeenEntry {
  /** Of the entry before it. */
  readonly previousTerm: Term;
  /** Of its bytes; undefined as long as nobody who holds it has them in memory. */
  checksum: number | undefined;
  /** Who was seen first to hold it. */
  readonly nodeId: NodeId;
}

/** Every entry that any log ever held: one for an index and a term. */
export class SeenEntries {
  readonly #byIndex: (Map<Term, SeenEntry> | undefined)[] = [];

  at(index: LogIndex, term: Term): SeenEntry | undefined {
    return this.#byIndex[index]?.get(term);
  }

  add(index: LogIndex, term: Term, entry: SeenEntry): void {
    const byTerm = this.#byIndex[index];
    if (byTerm === undefined) this.#byIndex[index] = new Map([[term, entry]]);
    else byTerm.set(term, entry);
  }
}
