/** `[raft.read_consistency]` */
export const readConsistencySection = {
  path: 'raft.read_consistency',
  doc: 'What a read may miss.',
  keys: {
    defaultPolicy: {
      key: 'default_policy',
      type: 'choice',
      choices: ['LinearizableRead', 'LeaseRead', 'EventualConsistency'],
      default: 'LinearizableRead',
      effect: 'active',
      doc: 'How a read that names no policy is answered.',
      differs: {
        original: 'LinearizableRead in the code, LeaseRead in its documents',
        reason: 'the strongest, unless somebody chose another',
      },
    },
    leaseDurationMs: {
      key: 'lease_duration_ms',
      type: 'integer',
      unit: 'ms',
      default: 250,
      minimum: 1,
      effect: 'active',
      doc: 'How long a leader may answer alone; capped below election_timeout_min for clock drift.',
    },
    clientOverrideAllowed: {
      key: 'allow_client_override',
      type: 'boolean',
      default: true,
      effect: 'active',
      doc: 'Whether a request may name a policy; if not, another one is refused with error 4003.',
    },
    applyWaitTimeoutMs: {
      key: 'state_machine_sync_timeout_ms',
      type: 'integer',
      unit: 'ms',
      default: 10,
      minimum: 1,
      effect: 'not-yet',
      doc: 'How long a read waits for its entries to be applied.',
    },
    networkRoundTripP99Ms: {
      key: 'network_rtt_p99_ms',
      type: 'integer',
      unit: 'ms',
      default: 2,
      minimum: 0,
      effect: 'not-yet',
      versions: 'from v0.2.4',
      doc: 'Slow round trip between members.',
    },
    readBatching: {
      key: 'read_batching',
      type: 'ignored',
      effect: 'dead',
      versions: 'v0.2.2',
      deadReason: 'reads gather while a round is under way and never wait otherwise',
      doc: 'Table: size_threshold and time_threshold_ms of a timed batch.',
    },
  },
} as const;

/** `[raft.rpc_compression]` */
export const compressionSection = {
  path: 'raft.rpc_compression',
  doc: 'gzip on answers of 1 KiB and more, to callers that take it, by service.',
  keys: {
    replicationResponse: {
      key: 'replication_response',
      type: 'boolean',
      default: false,
      effect: 'active',
      doc: 'Answers to AppendEntries.',
    },
    electionResponse: {
      key: 'election_response',
      type: 'boolean',
      default: true,
      effect: 'active',
      doc: 'Answers to votes.',
    },
    snapshotResponse: {
      key: 'snapshot_response',
      type: 'boolean',
      default: true,
      effect: 'active',
      doc: 'Snapshot transfers; files that are compressed already are not compressed again.',
    },
    clusterResponse: {
      key: 'cluster_response',
      type: 'boolean',
      default: true,
      effect: 'active',
      doc: 'Answers about the cluster.',
    },
    clientResponse: {
      key: 'client_response',
      type: 'boolean',
      default: false,
      effect: 'active',
      doc: 'Answers to clients.',
    },
  },
} as const;
