/** `[raft.replication]` */
export const replicationSection = {
  path: 'raft.replication',
  doc: 'How a leader sends its log to the others.',
  keys: {
    heartbeatIntervalMs: {
      key: 'rpc_append_entries_clock_in_ms',
      type: 'integer',
      unit: 'ms',
      default: 100,
      minimum: 1,
      effect: 'active',
      doc: 'Time between heartbeats; must be below election_timeout_min.',
    },
    entriesPerMessageMax: {
      key: 'append_entries_max_entries_per_replication',
      type: 'integer',
      unit: 'entries',
      default: 100,
      minimum: 1,
      effect: 'active',
      doc: 'Most entries of one message to a member that is catching up.',
    },
    batchThresholdEntries: {
      key: 'rpc_append_entries_in_batch_threshold',
      type: 'integer',
      unit: 'entries',
      default: 100,
      minimum: 1,
      effect: 'not-yet',
      versions: 'up to v0.2.2',
      doc: 'Entries that end the wait for a larger batch.',
    },
    batchDelayMs: {
      key: 'rpc_append_entries_batch_process_delay_in_ms',
      type: 'integer',
      unit: 'ms',
      default: 0,
      minimum: 0,
      effect: 'not-yet',
      versions: 'up to v0.2.2',
      doc: 'How long a lone write waits for company; must be below the heartbeat interval.',
      differs: { original: '1', reason: 'batches come from load: alone, a write never waits' },
    },
  },
} as const;

/** `[raft.batching]` */
export const batchingSection = {
  path: 'raft.batching',
  doc: 'How much of what has arrived goes into one round.',
  keys: {
    batchSizeMax: {
      key: 'max_batch_size',
      type: 'integer',
      unit: 'entries',
      default: 100,
      minimum: 1,
      effect: 'active',
      versions: 'from v0.2.3',
      doc: 'Most client writes that are proposed in one batch.',
    },
    mergeEntriesMax: {
      key: 'max_merge_entries',
      type: 'integer',
      unit: 'entries',
      default: 1000,
      minimum: 1,
      effect: 'not-yet',
      versions: 'from v0.2.5',
      doc: 'Most entries of several messages that a follower writes at once.',
    },
  },
} as const;
