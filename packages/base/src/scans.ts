import type { BytesLike } from './bytes-like.ts';
import type { Consistency } from './consistency.ts';
import type { Revision } from './ids.ts';
import type { KeyValue } from './key-value.ts';

/** All keys that begin with `prefix`; or all from `start` on that come before `end`. */
export type KeyRange<Bytes = BytesLike> =
  | { readonly prefix: Bytes }
  | { readonly start?: Bytes | undefined; readonly end?: Bytes | undefined };

export const scanOrders = ['ascending', 'descending'] as const;
/** Of the bytes of the keys. */
export type ScanOrder = (typeof scanOrders)[number];

/** One page of a scan. */
export interface ScanResult {
  readonly entries: readonly KeyValue[];
  /** The revision that this page saw. */
  readonly revision: Revision;
  /**
   * The revision that the first page saw. No page is older; what changed since then has a larger
   * `modRevision`, and a watch that starts behind it misses nothing.
   */
  readonly firstRevision: Revision;
  readonly consistency: Consistency;
  /** Where the next page goes on, for the same range and order; null after the last one. */
  readonly nextCursor: string | null;
}
