import type { BytesLike } from './bytes-like.ts';
import type { Consistency } from './consistency.ts';
import type { Address, ClusterId, LeaseId, LogIndex, NodeId, Revision, Term } from './ids.ts';
import type { KeyValue } from './key-value.ts';
import type { LeaseGrant, LeaseRenewal, LeaseRevocation, LeaseStatus } from './leases.ts';
import type { KeyRange, ScanOrder, ScanResult } from './scans.ts';
import type { KeyLifetime, Transaction, TransactionResult } from './transactions.ts';
import type { MembershipWatch, Watch, WatchOptions, WatchTarget } from './watch-api.ts';

export interface RequestOptions {
  /** Time for the whole operation, retries included. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends RequestOptions {
  /**
   * A name for this one write, unique among all writes of the last minutes: sent again with the
   * same name, on whatever road and to whatever member, it is applied once and answered alike.
   */
  readonly idempotencyKey?: string | undefined;
}

export interface PutOptions extends WriteOptions, KeyLifetime {}

export interface ReadOptions extends RequestOptions {
  /** The server's default_policy when absent. */
  readonly consistency?: Consistency | undefined;
  /** Waits until the answering member has applied this revision: read your writes anywhere. */
  readonly minRevision?: Revision | undefined;
}

export interface ScanOptions extends ReadOptions {
  /** Entries of one page. */
  readonly limit?: number | undefined;
  readonly order?: ScanOrder | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface WriteResult {
  readonly revision: Revision;
}

export interface DeleteResult extends WriteResult {
  /** False when the key was absent. */
  readonly deleted: boolean;
}

export interface CompareAndSwapResult extends WriteResult {
  readonly succeeded: boolean;
  /** When it failed: what the key held instead; null when absent. */
  readonly current: Uint8Array | null;
}

export interface ReadResult {
  /** In the order of the keys asked for; null for an absent one. One consistent view. */
  readonly entries: readonly (KeyValue | null)[];
  /** The revision that the read saw. */
  readonly revision: Revision;
  readonly consistency: Consistency;
}

export interface MemberStatus {
  readonly id: NodeId;
  readonly address: Address;
  readonly role: 'voter' | 'learner';
  readonly status: 'active' | 'promotable' | 'read_only';
  /** What only the leader knows is null elsewhere. */
  readonly matchIndex: LogIndex | null;
  readonly lag: number | null;
  readonly lastContactMs: number | null;
}

export type NodeRole = 'leader' | 'follower' | 'candidate' | 'learner';
export type NodeCondition = 'forming' | 'normal' | 'recovering' | 'refused' | 'diverged';

export interface NodeStatus {
  readonly nodeId: NodeId;
  readonly clusterId: ClusterId | null;
  readonly version: string;
  readonly role: NodeRole;
  readonly condition: NodeCondition;
  /** Why the condition is not normal, and what to do; null when it is. */
  readonly conditionReason: string | null;
  readonly term: Term;
  readonly leader: { readonly id: NodeId; readonly address: Address } | null;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly lastLogIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly revision: Revision;
  readonly members: readonly MemberStatus[];
}

/**
 * The operations of the store, the same embedded and over the network.
 * Every method rejects with a DEngineError, whose `mayHaveBeenApplied` says whether a write that
 * failed may still have taken effect.
 */
export interface ClientApi {
  put(key: BytesLike, value: BytesLike, options?: PutOptions): Promise<WriteResult>;
  /** Deleting an absent key succeeds. */
  delete(key: BytesLike, options?: WriteOptions): Promise<DeleteResult>;
  /**
   * Sets `key` to `value` if it holds `expected`, byte for byte. `expected` null: must be absent;
   * `value` null: delete. A mismatch is a result, not an error.
   */
  compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options?: PutOptions,
  ): Promise<CompareAndSwapResult>;
  txn(transaction: Transaction, options?: WriteOptions): Promise<TransactionResult>;
  /** Null for an absent key. */
  get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null>;
  read(keys: readonly BytesLike[], options?: ReadOptions): Promise<ReadResult>;
  scan(range: KeyRange, options?: ScanOptions): Promise<ScanResult>;
  grantLease(ttlMs: number, options?: WriteOptions): Promise<LeaseGrant>;
  /** Rejects with LeaseNotFound when the lease is over: what hung on it is gone. */
  keepLeaseAlive(lease: LeaseId, options?: WriteOptions): Promise<LeaseRenewal>;
  /** Ends it now, with all keys that hang on it. */
  revokeLease(lease: LeaseId, options?: WriteOptions): Promise<LeaseRevocation>;
  /** Null when there is no such lease, or none any more. */
  leaseTimeLeft(lease: LeaseId, options?: ReadOptions): Promise<LeaseStatus | null>;
  /** Local to the answering member; never waits for others. */
  status(options?: RequestOptions): Promise<NodeStatus>;
  /**
   * Every change of the keys, in order, from the call on: ordered, each once, all of one revision
   * together, and none left out without a `resync`. Goes on by itself where that loses nothing.
   */
  watch(target: WatchTarget, options?: WatchOptions): Watch;
  /** Who is in the cluster: at once, then after each change. */
  watchMembership(options?: Pick<WatchOptions, 'signal'>): MembershipWatch;
}
