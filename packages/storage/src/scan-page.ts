import type { KeyRange, KeyValue, ScanOrder } from '@d-engine/base';

export interface ScanQuery {
  readonly range: KeyRange<Uint8Array>;
  readonly order: ScanOrder;
  /** The last key of the page before. */
  readonly after: Uint8Array | undefined;
  readonly limit: number;
}

export interface ScanPage {
  readonly entries: readonly KeyValue[];
  /** Keys of the range follow. */
  readonly hasMore: boolean;
}
