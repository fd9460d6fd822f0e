import type { Address, ClusterId, LogIndex, NodeId, Revision, Term } from './ids.ts';
import type { MembershipWatch, Watch, WatchOptions, WatchTarget } from './watch-api.ts';

/** Text is UTF-8. */
export type BytesLike = Uint8Array | string;

export const consistencies = ['linearizable', 'lease', 'eventual'] as const;
/**
 * `linearizable`: a quorum confirms that nothing newer exists. `lease`: the leader answers alone
 * while its lease holds. `eventual`: this member's own state, possibly old.
 */
export type Consistency = (typeof consistencies)[number];

export interface RequestOptions {
  /** Time for the whole operation, retries included. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReadOptions extends RequestOptions {
  /** The server's default_policy when absent. */
  readonly consistency?: Consistency | undefined;
  /** Waits until the answering member has applied this revision: read your writes anywhere. */
  readonly minRevision?: Revision | undefined;
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

/** One key as a read saw it. */
export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Writes since it was created: 1 after the first. */
  readonly version: number;
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
  put(key: BytesLike, value: BytesLike, options?: RequestOptions): Promise<WriteResult>;
  /** Deleting an absent key succeeds. */
  delete(key: BytesLike, options?: RequestOptions): Promise<DeleteResult>;
  /**
   * Sets `key` to `value` if it holds `expected`, byte for byte. `expected` null: must be absent;
   * `value` null: delete. A mismatch is a result, not an error.
   */
  compareAndSwap(
    key: BytesLike,
    expected: BytesLike | null,
    value: BytesLike | null,
    options?: RequestOptions,
  ): Promise<CompareAndSwapResult>;
  /** Null for an absent key. */
  get(key: BytesLike, options?: ReadOptions): Promise<KeyValue | null>;
  read(keys: readonly BytesLike[], options?: ReadOptions): Promise<ReadResult>;
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
