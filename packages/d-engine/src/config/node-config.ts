import type { LogLevel, Plane } from '@d-engine/base';
import type { KeyValues, SectionValues } from './key-declaration.ts';
import type { Member } from './member.ts';
import type { electionSection } from './sections/election.ts';
import type { clientSection, httpSection, limitsSection } from './sections/front.ts';
import type {
  autoJoinSection,
  membershipSection,
  promotionSection,
  zombieSection,
} from './sections/membership.ts';
import type { networkSection, planeKeys } from './sections/network.ts';
import type { persistenceSection, storageSection } from './sections/persistence.ts';
import type { backpressureSection, raftSection } from './sections/raft.ts';
import type { compressionSection, readConsistencySection } from './sections/read-consistency.ts';
import type { batchingSection, replicationSection } from './sections/replication.ts';
import type { installSnapshotKeys, RetryPolicy, retryPolicyKeys } from './sections/retry.ts';
import type { snapshotSection } from './sections/snapshot.ts';
import type { raftMetricsSection, ttlSection, watchSection } from './sections/state-machine.ts';
import type { tlsSection } from './sections/tls.ts';

export interface ClusterConfig {
  readonly nodeId: number;
  /** host:port, as all addresses; see parseHostPort. */
  readonly listenAddress: string;
  /** Undefined: hints name the address by which the caller came. */
  readonly advertiseAddress: string | undefined;
  /** The members that the configuration lists, this node among them. */
  readonly members: readonly Member[];
  readonly dbRootDir: string;
}

export interface LogConfig {
  readonly level: LogLevel;
  readonly directory: string;
  /** `<directory>/<node id>/d.log` */
  readonly file: string;
}

export interface MetricsConfig {
  /** 0: pick a free one. */
  readonly port: number;
}

export type PersistenceConfig = SectionValues<typeof persistenceSection>;

export interface SnapshotConfig extends SectionValues<typeof snapshotSection> {
  readonly directory: string;
}

export interface MembershipConfig extends SectionValues<typeof membershipSection> {
  readonly zombie: SectionValues<typeof zombieSection>;
  readonly promotion: SectionValues<typeof promotionSection>;
}

export interface RaftConfig extends SectionValues<typeof raftSection> {
  readonly election: SectionValues<typeof electionSection>;
  readonly replication: SectionValues<typeof replicationSection>;
  readonly batching: SectionValues<typeof batchingSection>;
  readonly backpressure: SectionValues<typeof backpressureSection>;
  readonly persistence: PersistenceConfig;
  /** The lease is cut already to what is safe. */
  readonly readConsistency: SectionValues<typeof readConsistencySection>;
  readonly ttl: SectionValues<typeof ttlSection>;
  readonly watch: SectionValues<typeof watchSection>;
  readonly snapshot: SnapshotConfig;
  readonly membership: MembershipConfig;
  readonly autoJoin: SectionValues<typeof autoJoinSection>;
  readonly compression: SectionValues<typeof compressionSection>;
  readonly metrics: SectionValues<typeof raftMetricsSection>;
}

export type PlaneConfig = KeyValues<typeof planeKeys>;

export interface NetworkConfig
  extends SectionValues<typeof networkSection>,
    Readonly<Record<Plane, PlaneConfig>> {}

export type RetryPolicyConfig = KeyValues<typeof retryPolicyKeys>;

export interface RetryConfig extends Readonly<Record<RetryPolicy, RetryPolicyConfig>> {
  readonly installSnapshot: RetryPolicyConfig & KeyValues<typeof installSnapshotKeys>;
}

/**
 * Everything that a node is told. Fields are those of the sections in `sections/`; which of them
 * have an effect, the `effect` of their declaration says.
 */
export interface NodeConfig {
  readonly cluster: ClusterConfig;
  readonly log: LogConfig;
  readonly metrics: MetricsConfig;
  readonly http: SectionValues<typeof httpSection>;
  readonly client: SectionValues<typeof clientSection>;
  readonly limits: SectionValues<typeof limitsSection>;
  readonly raft: RaftConfig;
  readonly network: NetworkConfig;
  readonly storage: SectionValues<typeof storageSection>;
  readonly tls: SectionValues<typeof tlsSection>;
  readonly retry: RetryConfig;
}
