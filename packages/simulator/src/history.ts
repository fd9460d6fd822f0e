import type { Revision } from '@d-engine/base';

/** What became of a write: whether it took effect. */
export type WriteOutcome = 'acknowledged' | 'refused' | 'unknown';

interface Operation {
  readonly key: string;
  /** Virtual time; the check trusts these, not any host's clock. */
  readonly invokedAtMs: number;
  readonly settledAtMs: number;
  readonly client: string;
}

/** A put, or a swap, to a value that no other write of the key has. */
export interface WriteOperation extends Operation {
  readonly type: 'write';
  readonly value: string;
  readonly outcome: WriteOutcome;
  /** Of an acknowledged write. */
  readonly revision: Revision | undefined;
}

/** What an answered operation saw: a read, or a swap, which tells what the key held before it. */
export interface ReadOperation extends Operation {
  readonly type: 'read';
  readonly consistency: 'linearizable' | 'lease' | 'swap';
  /** Undefined: the key was absent. */
  readonly value: string | undefined;
  /** Undefined when the key was absent or the operation does not tell. */
  readonly modRevision: Revision | undefined;
  /** Of the state that the read saw. */
  readonly revision: Revision;
}

export type HistoryEntry = WriteOperation | ReadOperation;
