import type { LeaseId, Revision } from './ids.ts';

/** A lease is a lifetime that many keys hang on. Its id is the revision of its grant. */
export interface LeaseGrant {
  readonly lease: LeaseId;
  readonly ttlMs: number;
  readonly revision: Revision;
}

export interface LeaseRenewal {
  /** From now on, by the cluster's clock. */
  readonly ttlMs: number;
  readonly revision: Revision;
}

export interface LeaseRevocation {
  /** Keys that went away with it. */
  readonly deletedKeys: number;
  readonly revision: Revision;
}

export interface LeaseStatus {
  readonly lease: LeaseId;
  /** What it was granted for. */
  readonly ttlMs: number;
  /** What is left by the time of the entries that the answering member had applied. */
  readonly leftMs: number;
  /** In the order of their bytes. */
  readonly keys: readonly Uint8Array[];
  /** The revision that the read saw. */
  readonly revision: Revision;
}
