import type { LeaseId, Revision } from './ids.ts';

/** One key as a read saw it. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Writes since it was created: 1 after the first. */
  readonly version: number;
  /**
   * What was left of its own TTL, by the time of the entries that the answering member had applied;
   * absent without one. It goes away late rather than early.
   */
  readonly ttlLeftMs?: number | undefined;
  /** The lease that it goes away with. */
  readonly lease?: LeaseId | undefined;
}
