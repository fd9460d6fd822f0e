import type { Address, Consistency, NodeId, PersistenceStrategy } from '@d-engine/base';
import type { Member } from '@d-engine/raft';
import type { FlushPolicy } from './log-flusher.ts';
import type { MembershipSettings } from './membership/membership-settings.ts';
import type { SnapshotSettings } from './snapshots/snapshot-settings.ts';
import type { WatchSettings } from './watch/watch-settings.ts';

/** What one member needs to know to run. The `d-engine` package fills it from the config file. */
export interface NodeSettings {
  readonly nodeId: NodeId;
  /** The members of the first start; later only a list of addresses to try (design rule 13). */
  readonly initialMembers: readonly Member[];
  readonly listenAddress: Address;
  /** What hints name instead of the address by which a caller reached this node. */
  readonly advertiseAddress: Address | undefined;
  readonly dataDirectory: string;
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  readonly heartbeatIntervalMs: number;
  readonly leaseDurationMs: number;
  /** Entries of one append message. */
  readonly appendEntriesMax: number;
  /** Entries of the log in memory only, above which a leader takes no writes; at least 1. */
  readonly bufferedEntriesMax: number;
  readonly strategy: PersistenceStrategy;
  /** With MemFirst: when entries that nobody waits for are written. */
  readonly flushPolicy: FlushPolicy;
  /** Proposals that one turn hands to Raft. */
  readonly proposalBatchMax: number;
  /** How long the server itself lets a request wait. */
  readonly serverDeadlineMs: number;
  /** 0: no bound. */
  readonly pendingWritesMax: number;
  /** 0: no bound. */
  readonly pendingReadsMax: number;
  readonly defaultConsistency: Consistency;
  /** Without it, a request for another consistency is refused, never silently weakened. */
  readonly allowConsistencyOverride: boolean;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** Of a write as a whole; above a largest key and value together. */
  readonly requestBytesMax: number;
  /** Keys and values in memory, above which a leader takes no write that adds to them. */
  readonly stateBytesMax: number;
  /** Between two entries as of which all members compare their states; 0: never. */
  readonly stateVerificationIntervalMs: number;
  readonly membership: MembershipSettings;
  readonly version: string;
  readonly snapshots: SnapshotSettings;
  readonly watch: WatchSettings;
  /** Size of a new log file; `limits.segmentBytes` when absent. */
  readonly segmentBytes?: number;
}
