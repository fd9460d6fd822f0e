import { describe, expect, test } from 'vitest';
import { nodeSettings } from '../engine-settings.ts';
import { schema } from './schema.ts';
import { loadEnvironment, loadText, messagesOf } from './test-support.ts';

describe('keys without an effect yet', () => {
  test('warn once each, with the place', () => {
    const toml = '[raft.metrics]\nenable_batch = true\nsample_rate = 2\n';
    expect(loadText(toml).warnings).toEqual([
      'config key raft.metrics.enable_batch has no effect yet (n1.toml:2)',
      'config key raft.metrics.sample_rate has no effect yet (n1.toml:3)',
    ]);
  });

  test('warn of the layer that won, once', () => {
    const environment = { RAFT__RAFT__METRICS__ENABLE_BATCH: 'true' };
    expect(loadText('raft.metrics.enable_batch = false', environment).warnings).toEqual([
      'config key raft.metrics.enable_batch has no effect yet (RAFT__RAFT__METRICS__ENABLE_BATCH)',
    ]);
  });

  test('share a line of the log when there are many', () => {
    const keys = ['enable_batch = true', 'sample_rate = 2', 'enable_backpressure = true'];
    const few = `[raft.metrics]\n${keys.join('\n')}\n`;
    expect(loadText(few).foldedWarnings).toEqual(loadText(few).warnings);
    const many = `${few}\n[retry.install_snapshot]\nmin_timeout_ms = 2000\n`;
    expect(loadText(many).warnings).toHaveLength(4);
    expect(loadText(many).foldedWarnings).toEqual([
      '4 config keys have no effect yet (n1.toml, lines 2-4, 7): see docs/configuration.md',
    ]);
  });

  test('say nothing on defaults', () => {
    expect(loadText('').warnings).toEqual([]);
  });

  test('hold the value all the same', () => {
    const { metrics } = loadText('[raft.metrics]\nsample_rate = 2048\n').config.raft;
    expect(Object.values(metrics)).toContain(2048);
  });
});

describe('dead keys', () => {
  test.each([
    ['[cluster]\ndata_dir = "x"', 'cluster.data_dir is accepted but was never used; remove it'],
    ['[cluster]\ninitial_cluster_size = 3', 'the voters of initial_cluster are counted; remove it'],
    ['[monitoring]\nprometheus_enabled = true\nprometheus_port = 1', 'config key monitoring is'],
    ['[retry.purge_log]\nmax_retries = 1', 'retry.purge_log is accepted but was never used'],
    ['[raft.commit_handler]\nbatch_size = 1\nprocess_interval_ms = 2', 'raft.commit_handler is'],
    ['[raft.commit_handler]\nbatch_size_threshold = 1', 'raft.commit_handler is'],
    ['[raft.read_actor]\nchannel_capacity = 1\nmax_drain = 2', 'raft.read_actor is'],
    ['[raft]\ncmd_channel_capacity = 1', 'raft.cmd_channel_capacity is'],
    ['[raft]\nordered_channel_capacity = 1', 'raft.ordered_channel_capacity is'],
    ['[raft.election]\ninternal_rpc_client_request_id = 0', 'internal_rpc_client_request_id is'],
    ['[raft.state_machine.lease]\nenabled = true', 'a time to live always works; remove it'],
    ['[raft.state_machine.lease]\nmax_cleanup_duration_ms = 1', 'was never used; remove it'],
    ['[raft.persistence]\nflush_workers = 4', 'one flush is under way at a time'],
    ['[raft.persistence]\nchannel_capacity = 4', 'max_buffered_entries bounds what waits'],
    ['[network]\ntcp_keepalive_secs = 5', 'network.tcp_keepalive_secs is accepted'],
    ['[network.data]\ninitial_stream_window_size = 5', 'initial_stream_window_size is accepted'],
    ['[network.data]\nenable_connect_protocol = true', 'enable_connect_protocol is accepted'],
    ['[network.data]\nhttp2_adaptive_window = true', 'http2_adaptive_window is accepted'],
    ['[network]\nhttp2_foo = true', 'network.http2_foo is accepted but was never used; remove it'],
  ])('%j', (toml, text) => {
    const { warnings } = loadText(toml);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(text);
    expect(warnings[0]).toMatch(/\(n1\.toml:[12]\)$/);
  });

  test('a slip of the pen in a plane is an error all the same', () => {
    const toml = '[network.data]\nhttp2_keep_alive_intervall_in_secs = 5';
    expect(messagesOf(() => loadText(toml))[0]).toContain(
      'the nearest known key is network.data.http2_keep_alive_interval_in_secs',
    );
  });
});

describe('MemFirst', () => {
  const load = (lines: string) => {
    const { config, warnings } = loadText(`[raft.persistence]\nstrategy = "MemFirst"\n${lines}`);
    const { strategy, flushPolicy } = nodeSettings(config);
    return { strategy, flushPolicy, warnings };
  };

  test('runs, and flushes in batches unless told otherwise', () => {
    expect(load('')).toEqual({
      strategy: 'MemFirst',
      flushPolicy: { kind: 'batch', threshold: 1_024, intervalMs: 100 },
      warnings: [],
    });
    expect(load('flush_policy = { Batch = { threshold = 7, interval_ms = 8 } }')).toMatchObject({
      flushPolicy: { kind: 'batch', threshold: 7, intervalMs: 8 },
      warnings: [],
    });
    expect(load('flush_policy = { Batch = { idle_flush_interval_ms = 900 } }')).toMatchObject({
      flushPolicy: { kind: 'batch', threshold: 1_024, intervalMs: 900 },
      warnings: [],
    });
  });

  test('warns where it is told to sync each write', () => {
    const { flushPolicy, warnings } = load('flush_policy = "Immediate"');
    expect(flushPolicy).toEqual({ kind: 'immediate' });
    expect(warnings).toEqual([
      expect.stringMatching(/flush_policy = "Immediate" takes from MemFirst .* \(n1\.toml:3\)$/),
    ]);
  });

  test('is another thing than DiskFirst, of which no policy is worth a word', () => {
    for (const policy of ['"Immediate"', '{ Batch = { threshold = 7, interval_ms = 8 } }']) {
      const { config, warnings } = loadText(`[raft.persistence]\nflush_policy = ${policy}`);
      expect(warnings).toEqual([]);
      expect(nodeSettings(config).strategy).toBe('DiskFirst');
    }
  });
});

const watchKeys = [
  'raft.watch.event_queue_size',
  'raft.watch.max_event_queue_bytes',
  'raft.watch.watcher_buffer_size',
  'raft.watch.enable_metrics',
  'raft.watch.max_watcher_count',
  'raft.watch.heartbeat_interval_ms',
];

const membershipKeys = [
  'raft.membership.zombie.threshold',
  'raft.membership.zombie.purge_interval',
  'raft.membership.promotion.stale_learner_threshold',
  'raft.membership.promotion.stale_check_interval',
  'raft.auto_join.rpc_enable_compression',
];

test('the keys that have an effect, besides those of the planes', () => {
  const isOfPlane = (path: string): boolean => /^network\.(control|data|bulk)\./.test(path);
  const active = schema.keys.filter(
    ({ path, declaration }) => declaration.effect === 'active' && !isOfPlane(path),
  );
  expect(active.map(({ path }) => path)).toEqual([
    'cluster.node_id',
    'cluster.listen_address',
    'cluster.advertise_address',
    'cluster.initial_cluster',
    'cluster.db_root_dir',
    'cluster.log_dir',
    'raft.general_raft_timeout_duration_in_ms',
    'raft.learner_catchup_threshold',
    'raft.learner_check_throttle_ms',
    'raft.snapshot_rpc_timeout_ms',
    'raft.state_verification_interval_ms',
    'raft.election.election_timeout_min',
    'raft.election.election_timeout_max',
    'raft.replication.rpc_append_entries_clock_in_ms',
    'raft.replication.append_entries_max_entries_per_replication',
    'raft.batching.max_batch_size',
    'raft.backpressure.max_pending_writes',
    'raft.backpressure.max_pending_reads',
    'raft.persistence.strategy',
    'raft.persistence.flush_policy',
    'raft.persistence.max_buffered_entries',
    'raft.read_consistency.default_policy',
    'raft.read_consistency.lease_duration_ms',
    'raft.read_consistency.allow_client_override',
    ...watchKeys,
    'raft.snapshot.enable',
    'raft.snapshot.max_log_entries_before_snapshot',
    'raft.snapshot.max_log_bytes_before_snapshot',
    'raft.snapshot.snapshot_interval_in_sec',
    'raft.snapshot.snapshot_cool_down_since_last_check',
    'raft.snapshot.cleanup_retain_count',
    'raft.snapshot.snapshots_dir',
    'raft.snapshot.snapshots_dir_prefix',
    'raft.snapshot.chunk_size',
    'raft.snapshot.retained_log_entries',
    'raft.snapshot.max_bandwidth_mbps',
    'raft.snapshot.snapshot_push_backoff_in_ms',
    'raft.snapshot.snapshot_push_max_retry',
    'raft.snapshot.push_timeout_in_ms',
    'raft.snapshot.receive_chunk_timeout_in_sec',
    ...membershipKeys,
    'raft.rpc_compression.replication_response',
    'raft.rpc_compression.election_response',
    'raft.rpc_compression.snapshot_response',
    'raft.rpc_compression.cluster_response',
    'raft.rpc_compression.client_response',
    'http.allowed_hosts',
    'limits.max_key_bytes',
    'limits.max_value_bytes',
    'limits.max_request_bytes',
    'limits.max_state_bytes',
    'network.tcp_nodelay',
    'network.buffer_size',
    'tls.enable_tls',
    'tls.enable_mtls',
    'tls.generate_self_signed_certificates',
    'tls.certificate_authority_root_path',
    'tls.client_certificate_authority_root_path',
    'tls.server_certificate_path',
    'tls.server_private_key_path',
    'retry.install_snapshot.push_failure_alert_threshold',
    'retry.install_snapshot.push_backoff_max_delay_ms',
  ]);
});

describe('spellings of other versions', () => {
  test.each([
    [
      'raft.election.rpc_peer_connectinon_monitor_interval_in_sec = 9',
      (raft) => raft.election.peerMonitorIntervalSeconds,
      9,
    ],
    [
      'raft.election.rpc_peer_connection_monitor_interval_in_sec = 9',
      (raft) => raft.election.peerMonitorIntervalSeconds,
      9,
    ],
    ['raft.state_machine.lease.interval_ms = 500', (raft) => raft.ttl.cleanupIntervalMs, 500],
    ['raft.storage.ttl.cleanup_interval_ms = 500', (raft) => raft.ttl.cleanupIntervalMs, 500],
    ['raft.storage.ttl.interval_ms = 500', (raft) => raft.ttl.cleanupIntervalMs, 500],
    [
      'raft.watch.max_watcher_count = 9223372036854775807',
      (raft) => raft.watch.watchersMax,
      2 ** 53 - 1,
    ],
  ] satisfies [
    string,
    (raft: ReturnType<typeof loadText>['config']['raft']) => unknown,
    unknown,
  ][])('%s', (toml, pick, value) => {
    const { config, warnings } = loadText(toml);
    expect(pick(config.raft)).toBe(value);
    // The warning names the key as the user wrote it.
    expect(warnings.at(-1)).toContain(toml.split(' ')[0]);
  });

  test('one that has an effect is taken without a word', () => {
    const { config, warnings } = loadText('raft.learner_raft_log_gap = 10');
    expect(config.raft.learnerCatchupThresholdEntries).toBe(10);
    expect(warnings).toEqual([]);
  });

  test('the strategy of persistence', () => {
    for (const key of ['raft.persistence.persistence_strategy', 'raft.persistence_strategy']) {
      const { config, warnings } = loadText(`${key} = "MemFirst"`);
      expect(config.raft.persistence.strategy).toBe('MemFirst');
      expect(warnings).toEqual([]);
    }
  });

  test('two spellings of one key in one file are refused', () => {
    const toml = '[raft]\nlearner_raft_log_gap = 10\nlearner_catchup_threshold = 1\n';
    expect(messagesOf(() => loadText(toml))).toEqual([
      'raft.learner_catchup_threshold and raft.learner_raft_log_gap (n1.toml:2) are the same ' +
        'key: ' +
        'keep one',
    ]);
  });

  test('another spelling in the environment goes before the file', () => {
    const environment = { RAFT__RAFT__LEARNER_RAFT_LOG_GAP: '20' };
    const { config } = loadText('raft.learner_catchup_threshold = 1', environment);
    expect(config.raft.learnerCatchupThresholdEntries).toBe(20);
  });

  test('the flat network of v0.1.2 sets all planes', () => {
    const toml = `[network]
connect_timeout_in_ms = 20
request_timeout_in_ms = 100
concurrency_limit_per_connection = 8192
max_concurrent_streams = 500
tcp_keepalive_in_secs = 3600
http2_keep_alive_interval_in_secs = 300
http2_keep_alive_timeout_in_secs = 20
initial_connection_window_size = 12_582_912
initial_stream_window_size = 2_097_152
http2_adaptive_window = false
max_frame_size = 16_777_215
`;
    const { config, warnings } = loadText(toml);
    expect(config.network.bulk).toEqual({
      connectTimeoutMs: 20,
      requestTimeoutMs: 100,
      concurrencyMax: 8192,
      streamsMax: 500,
      tcpKeepaliveSeconds: 3600,
      keepaliveIntervalSeconds: 300,
      keepaliveTimeoutSeconds: 20,
      frameBytesMax: 16_777_215,
      connectionWindowBytes: 12_582_912,
      streamWindowBytes: 2_097_152,
      windowAdaptive: false,
    });
    expect(config.network.control).toEqual(config.network.bulk);
    expect(config.network.data).toEqual(config.network.bulk);
    expect(warnings).toEqual([]);
  });

  test('the key of a plane goes before the flat one, whichever comes first', () => {
    const plane = '[network.data]\nmax_concurrent_streams = 7\n';
    const flat = '[network]\nmax_concurrent_streams = 9\n';
    for (const toml of [plane + flat, flat + plane]) {
      const { network } = loadText(toml).config;
      expect([network.control.streamsMax, network.data.streamsMax]).toEqual([9, 7]);
    }
    const { network } = loadEnvironment({ RAFT__NETWORK__MAX_CONCURRENT_STREAMS: '3' }).config;
    expect([network.control.streamsMax, network.bulk.streamsMax]).toEqual([3, 3]);
  });
});
