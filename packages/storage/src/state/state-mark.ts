import type { HistoryId, LogIndex, Revision, Term } from '@d-engine/base';

/** What a state is besides its keys and tables: a backend on disk keeps it with them. */
export interface StateMark {
  readonly appliedIndex: LogIndex;
  /** Of the entry at `appliedIndex`; 0 when nothing was applied. */
  readonly appliedTerm: Term;
  readonly revisionBase: Revision;
  readonly historyId: HistoryId | null;
  readonly clusterTimeMs: number;
  readonly keyCount: number;
  /** What the keys count for in the size of the state. */
  readonly keyBytes: number;
  /** The lanes of the hash of everything. */
  readonly hashLow: number;
  readonly hashHigh: number;
}
