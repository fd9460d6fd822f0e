import type { LogIndex, Term } from '@d-engine/base';

/** An entry by its place and its term: there is only one such entry in the whole cluster. */
export interface EntryId {
  readonly index: LogIndex;
  readonly term: Term;
}

/** What the first entry of a log that has all entries follows. */
export const beforeAll: EntryId = { index: 0, term: 0 };
