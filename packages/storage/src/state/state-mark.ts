import type { HistoryId, LogIndex, Revision, Term } from '@d-engine/base';

/** What a state is besides its keys: a backend on disk keeps it with them. */
export interface StateMark {
  readonly appliedIndex: LogIndex;
  /** Of the entry at `appliedIndex`; 0 when nothing was applied. */
  readonly appliedTerm: Term;
  readonly revisionBase: Revision;
  readonly historyId: HistoryId | null;
  readonly clusterTimeMs: number;
  readonly stateBytes: number;
  readonly keyCount: number;
  /** The lanes of the hash of all keys. */
  readonly hashLow: number;
  readonly hashHigh: number;
}
