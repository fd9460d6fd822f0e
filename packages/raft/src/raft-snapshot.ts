import type { ClusterId, HistoryId, LogIndex, Term } from '@d-engine/base';
import type { BoundMember, Configuration } from './configuration.ts';

/** Who belonged to the cluster as of one log index, and of no other moment (design rule 13). */
export interface Membership {
  readonly clusterId: ClusterId;
  readonly historyId: HistoryId;
  /** See `Bootstrap.formedAtWallMs`. */
  readonly formedAtWallMs: number;
  readonly configuration: Configuration;
  /** The entry that made the configuration. */
  readonly configurationIndex: LogIndex;
  /** In the order of the entries that bound them. */
  readonly bindings: readonly BoundMember[];
}

/** What the algorithm needs of a snapshot: all that the entries up to `index` told it. */
export interface RaftSnapshot {
  /** The last entry whose effect is in it. */
  readonly index: LogIndex;
  readonly term: Term;
  /** Cluster time of that entry: a new leader goes on from here (design rule 7). */
  readonly clusterTimeMs: number;
  readonly membership: Membership;
}

/**
 * What became of a snapshot that a leader sent.
 *
 * `installed`: the log begins anew behind it. `kept`: the log has its last entry, so the suffix
 * stays and the state follows from the log. `stale`: it is at or below what is committed here.
 */
export type InstallVerdict = 'installed' | 'kept' | 'stale';
