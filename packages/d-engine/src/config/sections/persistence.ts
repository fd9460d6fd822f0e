/** `[raft.persistence]` */
export const persistenceSection = {
  path: 'raft.persistence',
  doc: 'When a write counts as kept.',
  keys: {
    strategy: {
      key: 'strategy',
      type: 'choice',
      choices: ['DiskFirst', 'MemFirst'],
      default: 'DiskFirst',
      effect: 'active',
      aliases: ['persistence_strategy', 'raft.persistence_strategy'],
      doc: 'DiskFirst acknowledges what is on disk, MemFirst what is in memory.',
      differs: {
        original: 'MemFirst (all versions but v0.2.3)',
        reason: 'an acknowledged write must survive a power cut',
      },
    },
    flushPolicy: {
      key: 'flush_policy',
      type: 'flush-policy',
      default: { kind: 'immediate' },
      effect: 'active',
      defaultText: '"Immediate"; with MemFirst { Batch = { threshold = 1024, interval_ms = 100 } }',
      doc: '"Immediate" or { Batch = { threshold = N, interval_ms = M } }: when MemFirst writes.',
      differs: {
        original: '{ Batch = { idle_flush_interval_ms = 1000 } }',
        reason: 'what is acknowledged is on disk a tenth of a second later, not a second',
      },
    },
    bufferedEntriesMax: {
      key: 'max_buffered_entries',
      type: 'integer',
      unit: 'entries',
      default: 10_000,
      minimum: 1,
      effect: 'active',
      doc: 'Entries in memory only, at which a leader refuses writes until its disk has caught up.',
    },
    flushWorkers: {
      key: 'flush_workers',
      type: 'ignored',
      effect: 'dead',
      deadReason: 'one flush is under way at a time, and what comes meanwhile shares the next one',
      versions: 'up to v0.2.3',
      doc: 'Flushes under way at once.',
    },
    channelCapacity: {
      key: 'channel_capacity',
      type: 'ignored',
      effect: 'dead',
      deadReason: 'one flush is under way at a time, and max_buffered_entries bounds what waits',
      versions: 'up to v0.2.3',
      doc: 'Flushes waiting for a worker.',
    },
  },
} as const;

/** `[storage]` */
export const storageSection = {
  path: 'storage',
  doc: 'The storage engine.',
  keys: {
    unifiedDatabase: {
      key: 'unified_db',
      type: 'boolean',
      default: false,
      effect: 'not-yet',
      versions: 'from v0.2.4',
      doc: 'Log and state in one RocksDB; for the RocksDB adapter only.',
    },
  },
} as const;
