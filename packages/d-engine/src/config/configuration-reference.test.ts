import { describe, expect, test } from 'vitest';
import { configKeys } from './config-keys.ts';
import { renderConfigurationReference } from './configuration-reference.ts';
import { allSections, schema } from './schema.ts';

/** Every key that the original had in some version, by table: its reference, retold. */
const originalKeys: Readonly<Record<string, string>> = {
  cluster:
    'node_id listen_address initial_cluster db_root_dir log_dir initial_cluster_size data_dir',
  raft:
    'general_raft_timeout_duration_in_ms learner_catchup_threshold learner_raft_log_gap ' +
    'learner_check_throttle_ms snapshot_rpc_timeout_ms cmd_channel_capacity ' +
    'ordered_channel_capacity commit_handler read_actor',
  'raft.replication':
    'rpc_append_entries_clock_in_ms append_entries_max_entries_per_replication ' +
    'rpc_append_entries_in_batch_threshold rpc_append_entries_batch_process_delay_in_ms',
  'raft.batching': 'max_batch_size max_merge_entries',
  'raft.election':
    'election_timeout_min election_timeout_max rpc_peer_connectinon_monitor_interval_in_sec ' +
    'internal_rpc_client_request_id',
  'raft.membership':
    'cluster_healthcheck_probe_service_name verify_leadership_persistent_timeout ' +
    'membership_maintenance_interval',
  'raft.membership.zombie': 'threshold purge_interval',
  'raft.membership.promotion': 'stale_learner_threshold stale_check_interval',
  'raft.state_machine.lease': 'cleanup_interval_ms max_cleanup_duration_ms enabled interval_ms',
  'raft.storage.ttl': 'cleanup_interval_ms max_cleanup_duration_ms enabled interval_ms',
  'raft.snapshot':
    'enable max_log_entries_before_snapshot max_log_bytes_before_snapshot ' +
    'snapshot_interval_in_sec snapshot_cool_down_since_last_check ' +
    'cleanup_retain_count snapshots_dir snapshots_dir_prefix chunk_size retained_log_entries ' +
    'sender_yield_every_n_chunks receiver_yield_every_n_chunks max_bandwidth_mbps ' +
    'push_queue_size cache_size max_retries transfer_timeout_in_sec retry_interval_in_ms ' +
    'snapshot_push_backoff_in_ms snapshot_push_max_retry push_timeout_in_ms ' +
    'receive_chunk_timeout_in_sec',
  'raft.persistence':
    'strategy persistence_strategy flush_policy max_buffered_entries flush_workers ' +
    'channel_capacity',
  'raft.backpressure': 'max_pending_writes max_pending_reads',
  'raft.read_consistency':
    'default_policy lease_duration_ms allow_client_override state_machine_sync_timeout_ms ' +
    'network_rtt_p99_ms read_batching',
  'raft.rpc_compression':
    'replication_response election_response snapshot_response cluster_response client_response',
  'raft.auto_join': 'rpc_enable_compression',
  'raft.metrics': 'enable_backpressure enable_batch sample_rate',
  'raft.watch':
    'event_queue_size max_event_queue_bytes watcher_buffer_size enable_metrics ' +
    'max_watcher_count heartbeat_interval_ms',
  network:
    'tcp_nodelay buffer_size tcp_keepalive_secs enable_connect_protocol connect_timeout_in_ms ' +
    'request_timeout_in_ms concurrency_limit_per_connection max_concurrent_streams ' +
    'tcp_keepalive_in_secs http2_keep_alive_interval_in_secs http2_keep_alive_timeout_in_secs ' +
    'initial_connection_window_size initial_stream_window_size http2_adaptive_window',
  storage: 'unified_db',
  tls:
    'enable_tls enable_mtls generate_self_signed_certificates certificate_authority_root_path ' +
    'client_certificate_authority_root_path server_certificate_path server_private_key_path',
  retry: 'purge_log',
  '': 'monitoring',
};
const planeKeys =
  'connect_timeout_in_ms request_timeout_in_ms concurrency_limit max_concurrent_streams ' +
  'tcp_keepalive_in_secs http2_keep_alive_interval_in_secs http2_keep_alive_timeout_in_secs ' +
  'max_frame_size connection_window_size stream_window_size adaptive_window';
const policyKeys = 'max_retries timeout_ms base_delay_ms max_delay_ms';
const policies =
  'append_entries election membership healthcheck auto_discovery join_cluster internal_quorum ' +
  'install_snapshot';
const installSnapshotKeys =
  'per_chunk_timeout_ms min_timeout_ms max_timeout_ms between_chunk_timeout_ms ' +
  'push_failure_alert_threshold push_backoff_max_delay_ms';

function* originalPaths(): Generator<string> {
  for (const [table, keys] of Object.entries(originalKeys)) {
    for (const key of keys.split(' ')) yield table === '' ? key : `${table}.${key}`;
  }
  for (const plane of ['control', 'data', 'bulk']) {
    for (const key of planeKeys.split(' ')) yield `network.${plane}.${key}`;
  }
  for (const policy of policies.split(' ')) {
    for (const key of policyKeys.split(' ')) yield `retry.${policy}.${key}`;
  }
  for (const key of installSnapshotKeys.split(' ')) yield `retry.install_snapshot.${key}`;
}

test('every key of the original, in any version, is known', () => {
  const missing = [...originalPaths()].filter((path) => !schema.bySpelling.has(path));
  expect(missing).toEqual([]);
});

describe('the defaults are those of the original, but for the list of differences', () => {
  const byKey = new Map(configKeys().map((key) => [key.key, key]));

  test.each([
    ['raft.replication.rpc_append_entries_clock_in_ms', '100'],
    ['raft.batching.max_batch_size', '100'],
    ['raft.backpressure.max_pending_reads', '50000'],
    ['raft.read_consistency.lease_duration_ms', '250'],
    ['raft.membership.verify_leadership_persistent_timeout', '{ secs = 3600 }'],
    ['network.bulk.connection_window_size', '67108864'],
    ['retry.membership.max_retries', '120'],
    ['tls.server_certificate_path', '"./certs/server.pem"'],
  ])('%s = %s', (key, value) => {
    expect(byKey.get(key)).toMatchObject({ default: value, differs: undefined });
  });

  test('the differences', () => {
    const differing = configKeys().filter(({ differs }) => differs !== undefined);
    expect(differing.map((key) => [key.key, key.default])).toEqual([
      ['cluster.initial_cluster', 'this node alone, at listen_address'],
      ['cluster.db_root_dir', './db/NODE_ID'],
      ['cluster.log_dir', '"./logs"'],
      ['raft.general_raft_timeout_duration_in_ms', '5000'],
      ['raft.election.election_timeout_min', '1000'],
      ['raft.election.election_timeout_max', '2000'],
      ['raft.replication.rpc_append_entries_batch_process_delay_in_ms', '0'],
      ['raft.persistence.strategy', '"DiskFirst"'],
      [
        'raft.persistence.flush_policy',
        '"Immediate"; with MemFirst { Batch = { threshold = 1024, interval_ms = 100 } }',
      ],
      ['raft.read_consistency.default_policy', '"LinearizableRead"'],
      ['raft.watch.watcher_buffer_size', '4096'],
      ['raft.watch.max_watcher_count', '100000'],
      ['raft.snapshot.snapshots_dir', 'snapshots in db_root_dir'],
      ['raft.snapshot.chunk_size', '262144'],
      ['raft.snapshot.max_bandwidth_mbps', '0'],
      ['client.deadline_ms', '3000'],
    ]);
  });
});

describe('the reference page', () => {
  const page = renderConfigurationReference();
  const lines = page.split('\n');

  test('has a table for every section', () => {
    for (const { path } of allSections) {
      expect(lines).toContain(path === '' ? '### Top level' : `### \`[${path}]\``);
    }
  });

  test('has a row for every key, with effect and meaning', () => {
    const rows = lines.filter((line) => /^\| `[a-z0-9_]+` \|/.test(line));
    expect(rows).toHaveLength(schema.keys.length);
    expect(page).toContain(
      '| `lease_duration_ms` | integer, ms | `250` | at least 1 | yes | How long a leader may',
    );
    expect(page).toContain('Also `raft.learner_raft_log_gap`.');
  });

  test('is Markdown in which every row of a table has as many cells as its header', () => {
    const tables = page.split('\n\n').filter((block) => block.startsWith('|'));
    expect(tables).toHaveLength(allSections.length + 3);
    const cellsOf = (line: string): number => line.split(/(?<!\\)\|/).length;
    for (const table of tables) {
      expect(new Set(table.trim().split('\n').map(cellsOf)).size).toBe(1);
    }
  });

  test('ends with roles, environment and the differences', () => {
    const titles = lines.filter((line) => line.startsWith('### ')).slice(-3);
    expect(titles).toEqual([
      '### Roles of members',
      '### Environment',
      '### Defaults that differ from the original',
    ]);
    expect(page).toContain('| `raft.snapshot.chunk_size` | 1024 | 262144 |');
    expect(page.endsWith('|\n')).toBe(true);
  });
});
