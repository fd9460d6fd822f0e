/** `[raft.state_machine.lease]`, which is about the time to live of keys. */
export const ttlSection = {
  path: 'raft.state_machine.lease',
  doc: 'Keys with a time to live.',
  aliases: ['raft.storage.ttl', 'raft.storage.lease', 'raft.state_machine.ttl'],
  keys: {
    cleanupIntervalMs: {
      key: 'cleanup_interval_ms',
      type: 'integer',
      unit: 'ms',
      default: 1000,
      minimum: 100,
      maximum: 3_600_000,
      effect: 'not-yet',
      aliases: ['interval_ms'],
      doc: 'Time between two removals of expired keys.',
    },
    cleanupDurationMax: {
      key: 'max_cleanup_duration_ms',
      type: 'ignored',
      effect: 'dead',
      doc: 'Read by nobody in the original.',
    },
    enabled: {
      key: 'enabled',
      type: 'ignored',
      effect: 'dead',
      versions: 'v0.2.1 to v0.2.4',
      deadReason: 'a time to live always works',
      doc: 'Switched the time to live on; without it such a write stopped the node.',
    },
  },
} as const;

/** `[raft.watch]` */
export const watchSection = {
  path: 'raft.watch',
  doc: 'Streams of changes to clients.',
  keys: {
    eventQueueSize: {
      key: 'event_queue_size',
      type: 'integer',
      default: 10_240,
      minimum: 1,
      maximum: 100_000_000,
      effect: 'active',
      doc: 'Events kept for watchers that lag or come back.',
    },
    eventQueueBytesMax: {
      key: 'max_event_queue_bytes',
      type: 'integer',
      unit: 'bytes',
      default: 67_108_864,
      minimum: 1,
      effect: 'active',
      versions: 'own',
      doc: 'Memory that those events may take; fewer are kept when they are large.',
    },
    watcherBufferSize: {
      key: 'watcher_buffer_size',
      type: 'integer',
      default: 4096,
      minimum: 1,
      effect: 'active',
      doc: 'Events that a watcher may lag from one turn to the next before it is cancelled.',
      differs: { original: '256', reason: 'one turn may apply as many writes as that' },
    },
    metricsEnabled: {
      key: 'enable_metrics',
      type: 'boolean',
      default: false,
      effect: 'active',
      doc: 'Gauges of how far watchers lag: each look at the metrics walks over all of them.',
    },
    watchersMax: {
      key: 'max_watcher_count',
      type: 'integer',
      default: 100_000,
      minimum: 1,
      maximum: 9_007_199_254_740_991,
      clampAbove: true,
      effect: 'active',
      versions: 'from v0.2.4',
      doc: 'Watchers that one node serves.',
      differs: { original: '9223372036854775807', reason: 'every queue has a bound' },
    },
    heartbeatIntervalMs: {
      key: 'heartbeat_interval_ms',
      type: 'integer',
      unit: 'ms',
      default: 30_000,
      minimum: 0,
      effect: 'active',
      versions: 'from v0.2.4',
      doc: 'Time between progress events of a quiet watch; 0 is none.',
    },
  },
} as const;

/** `[raft.metrics]` */
export const raftMetricsSection = {
  path: 'raft.metrics',
  doc: 'Metrics that cost something.',
  keys: {
    backpressureEnabled: {
      key: 'enable_backpressure',
      type: 'boolean',
      default: false,
      effect: 'not-yet',
      doc: 'Count what back-pressure refuses.',
    },
    batchEnabled: {
      key: 'enable_batch',
      type: 'boolean',
      default: false,
      effect: 'not-yet',
      doc: 'Histogram of batch sizes.',
    },
    sampleRate: {
      key: 'sample_rate',
      type: 'integer',
      default: 1,
      minimum: 0,
      effect: 'not-yet',
      doc: 'Measure one in this many; 0 counts as 1.',
    },
  },
} as const;
