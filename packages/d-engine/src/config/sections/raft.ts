/** Keys of `[raft]` itself. */
export const raftSection = {
  path: 'raft',
  doc: 'What belongs to no sub-section of raft.',
  keys: {
    serverDeadlineMs: {
      key: 'general_raft_timeout_duration_in_ms',
      type: 'integer',
      unit: 'ms',
      default: 5000,
      minimum: 1,
      effect: 'active',
      doc: 'How long the server works on a client request before it answers that time is up.',
      differs: {
        original: '50',
        reason: '50 ms fails writes during every election and on every slow fsync',
      },
    },
    learnerCatchupThresholdEntries: {
      key: 'learner_catchup_threshold',
      type: 'integer',
      unit: 'entries',
      default: 1,
      minimum: 1,
      effect: 'not-yet',
      aliases: ['learner_raft_log_gap'],
      doc: 'A learner counts as caught up when it is at most this far behind.',
    },
    learnerCheckThrottleMs: {
      key: 'learner_check_throttle_ms',
      type: 'integer',
      unit: 'ms',
      default: 1000,
      minimum: 0,
      effect: 'not-yet',
      doc: 'Least time between two looks at whether a learner has caught up.',
    },
    snapshotRpcTimeoutMs: {
      key: 'snapshot_rpc_timeout_ms',
      type: 'integer',
      unit: 'ms',
      default: 3_600_000,
      minimum: 1,
      effect: 'active',
      doc: 'Longest transfer of a snapshot, as raft.snapshot.push_timeout_in_ms: the shorter one.',
    },
    commandChannelCapacity: {
      key: 'cmd_channel_capacity',
      type: 'ignored',
      effect: 'dead',
      versions: 'from v0.2.4',
      deadReason: 'a turn takes all that has arrived, and raft.backpressure bounds it',
      doc: 'Length of a queue between threads of the original.',
    },
    orderedChannelCapacity: {
      key: 'ordered_channel_capacity',
      type: 'ignored',
      effect: 'dead',
      versions: 'from v0.2.4',
      deadReason: 'a turn takes all that has arrived, and raft.backpressure bounds it',
      doc: 'Length of a queue between threads of the original.',
    },
    commitHandler: {
      key: 'commit_handler',
      type: 'ignored',
      effect: 'dead',
      versions: 'up to v0.2.2',
      deadReason: 'committed entries are applied at once, all that there are in one call',
      doc: 'Table: when the original applied committed entries.',
    },
    readActor: {
      key: 'read_actor',
      type: 'ignored',
      effect: 'dead',
      versions: 'from v0.2.5',
      deadReason: 'reads are answered in the turn that confirms them, without a queue of their own',
      doc: 'Table: queue of a read thread of the original.',
    },
  },
} as const;

/** `[raft.backpressure]` */
export const backpressureSection = {
  path: 'raft.backpressure',
  doc: 'When a node refuses requests (error 4004) rather than queue without end.',
  keys: {
    pendingWritesMax: {
      key: 'max_pending_writes',
      type: 'integer',
      default: 10_000,
      minimum: 0,
      effect: 'active',
      doc: 'Writes proposed and not yet answered; 0 is no limit.',
    },
    pendingReadsMax: {
      key: 'max_pending_reads',
      type: 'integer',
      default: 50_000,
      minimum: 0,
      effect: 'active',
      doc: 'Reads waiting for their confirmation round; 0 is no limit.',
    },
  },
} as const;
