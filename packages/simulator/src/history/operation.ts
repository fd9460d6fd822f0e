import type { Revision } from '@d-engine/base';

/** A stored text; null stands for a key that is not there. */
export type Value = string | null;

/** What a client asked for. */
export type Command =
  | { readonly type: 'read'; readonly consistency: 'linearizable' | 'lease' | 'eventual' }
  | { readonly type: 'put'; readonly value: string; readonly ttlMs?: number }
  | { readonly type: 'delete' }
  | {
      readonly type: 'compareAndSwap';
      /** Null: the key must not exist. */
      readonly expected: Value;
      /** Null: delete the key. */
      readonly value: Value;
    };

/** What a client was told. A field that an operation's road does not tell is absent. */
export type Answer =
  | {
      readonly type: 'read';
      readonly value: Value;
      readonly modRevision?: Revision;
      /** Of the state that the read saw. */
      readonly revision?: Revision;
    }
  | { readonly type: 'put'; readonly revision?: Revision }
  | { readonly type: 'delete'; readonly deleted?: boolean; readonly revision?: Revision }
  | {
      readonly type: 'compareAndSwap';
      readonly succeeded: boolean;
      /** What a swap that failed found instead. */
      readonly current?: Value;
      readonly revision?: Revision;
    };

export type Outcome =
  | { readonly type: 'answered'; readonly answer: Answer }
  /** It had no effect and never will; of a read: it saw nothing. */
  | { readonly type: 'refused' }
  /** It may take effect at any later moment, or never. */
  | { readonly type: 'unknown' };

/** One operation of one client on one key, from the call to the answer. */
export interface Operation {
  readonly client: string;
  readonly key: string;
  readonly command: Command;
  readonly invokedAtMs: number;
  /** Infinite exactly when the outcome is unknown. */
  readonly settledAtMs: number;
  readonly outcome: Outcome;
}
