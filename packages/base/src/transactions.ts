import type { BytesLike } from './bytes-like.ts';
import type { LeaseId, Revision } from './ids.ts';
import type { KeyValue } from './key-value.ts';

export const comparisonOperators = ['equal', 'notEqual', 'less', 'greater'] as const;
export type ComparisonOperator = (typeof comparisonOperators)[number];

export const comparedNumbers = ['createRevision', 'modRevision', 'version'] as const;
export type ComparedNumber = (typeof comparedNumbers)[number];

/**
 * What a key must be for a transaction to succeed. The numbers of an absent key are 0; its value
 * fits no comparison, not even `notEqual`. Values compare byte by byte.
 */
export type Comparison<Bytes = BytesLike> =
  | {
      readonly target: 'value';
      readonly key: Bytes;
      readonly operator: ComparisonOperator;
      readonly value: Bytes;
    }
  | {
      readonly target: ComparedNumber;
      readonly key: Bytes;
      readonly operator: ComparisonOperator;
      readonly value: number;
    }
  | { readonly target: 'existence'; readonly key: Bytes; readonly exists: boolean };

/** What a put says besides the key and its value. A plain put clears an earlier TTL and lease. */
export interface KeyLifetime {
  /** The key goes away after this time of the cluster's own clock; 0: never by itself. */
  readonly ttlMs?: number | undefined;
  /** The key goes away with this lease. */
  readonly lease?: LeaseId | undefined;
}

/** One step of a transaction; a `get` sees what the steps before it did. */
export type TransactionOperation<Bytes = BytesLike> =
  | ({ readonly type: 'put'; readonly key: Bytes; readonly value: Bytes } & KeyLifetime)
  | { readonly type: 'delete'; readonly key: Bytes }
  | { readonly type: 'get'; readonly key: Bytes };

/**
 * Does `success` if all of `compare` hold, else `failure`: all steps as one, under one revision.
 * A list writes to a key at most once.
 */
export interface Transaction<Bytes = BytesLike> {
  readonly compare: readonly Comparison<Bytes>[];
  readonly success: readonly TransactionOperation<Bytes>[];
  readonly failure: readonly TransactionOperation<Bytes>[];
}

/** What each step did, in the order of the list. */
export type TransactionResponse =
  | { readonly type: 'put' }
  | { readonly type: 'delete'; readonly deleted: boolean }
  | { readonly type: 'get'; readonly entry: KeyValue | null };

export interface TransactionResult {
  /** Whether all comparisons held. */
  readonly succeeded: boolean;
  readonly revision: Revision;
  readonly responses: readonly TransactionResponse[];
}
