/** `[raft.membership]` */
export const membershipSection = {
  path: 'raft.membership',
  doc: 'How members are watched, promoted and removed.',
  keys: {
    healthProbeServiceName: {
      key: 'cluster_healthcheck_probe_service_name',
      type: 'text',
      default: 'd_engine.server.cluster.ClusterManagementService',
      effect: 'not-yet',
      doc: 'gRPC service whose health is asked for at the start.',
    },
    leadershipVerificationTimeoutMs: {
      key: 'verify_leadership_persistent_timeout',
      type: 'duration',
      default: 3_600_000,
      minimum: 1,
      effect: 'not-yet',
      doc: 'How long a new leader tries to commit its first entry before it steps down.',
    },
    maintenanceIntervalMs: {
      key: 'membership_maintenance_interval',
      type: 'duration',
      default: 30_000,
      minimum: 1,
      effect: 'not-yet',
      versions: 'up to v0.2.3',
      doc: 'Time between two rounds of upkeep.',
    },
  },
} as const;

/** `[raft.membership.zombie]` */
export const zombieSection = {
  path: 'raft.membership.zombie',
  doc: 'Members that answer no longer.',
  keys: {
    failureThreshold: {
      key: 'threshold',
      type: 'integer',
      default: 3,
      minimum: 1,
      effect: 'active',
      doc: 'Failures in a row that make a member a zombie.',
    },
    purgeIntervalMs: {
      key: 'purge_interval',
      type: 'duration',
      default: 30_000,
      minimum: 1,
      effect: 'active',
      doc: 'Time between two looks for zombies.',
    },
  },
} as const;

/** `[raft.membership.promotion]` */
export const promotionSection = {
  path: 'raft.membership.promotion',
  doc: 'Learners on their way to a vote.',
  keys: {
    staleLearnerThresholdMs: {
      key: 'stale_learner_threshold',
      type: 'duration',
      default: 300_000,
      minimum: 1,
      effect: 'active',
      doc: 'A learner that has not caught up after this long is reported.',
    },
    staleCheckIntervalMs: {
      key: 'stale_check_interval',
      type: 'duration',
      default: 30_000,
      minimum: 1,
      effect: 'active',
      versions: 'up to v0.2.3',
      doc: 'Time between two looks for such learners.',
    },
  },
} as const;

/** `[raft.auto_join]` */
export const autoJoinSection = {
  path: 'raft.auto_join',
  doc: 'How a node that is in no list joins.',
  keys: {
    compressionEnabled: {
      key: 'rpc_enable_compression',
      type: 'boolean',
      default: true,
      effect: 'active',
      doc: 'Compress the calls with which a node joins.',
    },
  },
} as const;
