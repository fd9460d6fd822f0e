import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leaseDurationMsMax } from './settle-timing.ts';
import { loadText, messagesOf, problemsOf } from './test-support.ts';

const election = (minMs: number, maxMs: number): string =>
  `[raft.election]\nelection_timeout_min = ${minMs}\nelection_timeout_max = ${maxMs}\n`;
const lease = (ms: number): string => `[raft.read_consistency]\nlease_duration_ms = ${ms}\n`;
const heartbeat = (ms: number): string =>
  `[raft.replication]\nrpc_append_entries_clock_in_ms = ${ms}\n`;

describe('election', () => {
  test.each([
    [2000, 1000],
    [1000, 1000],
  ])('min %d must be below max %d', (minMs, maxMs) => {
    expect(messagesOf(() => loadText(election(minMs, maxMs)))[0]).toContain(
      `raft.election.election_timeout_min = ${minMs} must be below`,
    );
  });

  test('min alone is held against the default of max', () => {
    const toml = '[raft.election]\nelection_timeout_min = 3000\n';
    expect(messagesOf(() => loadText(toml))[0]).toContain('election_timeout_max = 2000');
  });

  test('the heartbeat must be below min', () => {
    const problems = problemsOf(() => loadText(heartbeat(1000)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      line: 2,
      key: 'raft.replication.rpc_append_entries_clock_in_ms',
    });
    expect(loadText(heartbeat(999)).config.raft.replication.heartbeatIntervalMs).toBe(999);
  });

  test('min is held against the default of the heartbeat, and blamed', () => {
    const problems = problemsOf(() => loadText(election(100, 200)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ line: 2 });
    expect(problems[0]?.message).toContain('rpc_append_entries_clock_in_ms = 100 must be below');
  });

  test('the batch delay of old versions must be below the heartbeat', () => {
    const toml = '[raft.replication]\nrpc_append_entries_batch_process_delay_in_ms = 100\n';
    expect(messagesOf(() => loadText(toml))[0]).toContain('must be below');
  });
});

describe('lease', () => {
  test.each([
    [1000, 900],
    [500, 450],
    [400, 350],
    [100, 50],
    [10_000, 9000],
    [1001, 900],
  ])('election_timeout_min %d leaves %d ms', (minMs, allowedMs) => {
    expect(leaseDurationMsMax(minMs)).toBe(allowedMs);
  });

  test('as long as allowed is fine, set or not', () => {
    expect(loadText(lease(900)).warnings).toEqual([]);
    expect(loadText(lease(900)).config.raft.readConsistency.leaseDurationMs).toBe(900);
    expect(loadText(election(500, 1000) + lease(450)).warnings).toEqual([]);
  });

  test('too long is an error when both keys are set', () => {
    const problems = problemsOf(() => loadText(election(500, 1000) + lease(451)));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      line: 5,
      key: 'raft.read_consistency.lease_duration_ms',
    });
    expect(problems[0]?.message).toContain('leaves 450');
  });

  test('too long is cut with one warning when only the lease is set', () => {
    const { config, warnings } = loadText(lease(2000));
    expect(config.raft.readConsistency.leaseDurationMs).toBe(900);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('lease_duration_ms = 2000 runs as 900');
    expect(warnings[0]).toContain('n1.toml:2');
  });

  test('the default gives way to a short election timeout, with one warning', () => {
    const { config, warnings } = loadText(election(200, 400));
    expect(config.raft.readConsistency.leaseDurationMs).toBe(150);
    expect(warnings).toHaveLength(1);
  });

  test('property: no configuration that loads has a lease beyond the safe bound', () => {
    const timeouts = fc.record({
      minMs: fc.integer({ min: 101, max: 5000 }),
      leaseMs: fc.integer({ min: 1, max: 6000 }),
      setLease: fc.boolean(),
    });
    fc.assert(
      fc.property(timeouts, ({ minMs, leaseMs, setLease }) => {
        const toml = election(minMs, minMs + 1000) + (setLease ? lease(leaseMs) : '');
        const safeMs = minMs - Math.max(minMs / 10, 50);
        const refused = messagesOf(() => loadText(toml)).length > 0;
        expect(refused).toBe(setLease && leaseMs > safeMs);
        const runs = refused ? 0 : loadText(toml).config.raft.readConsistency.leaseDurationMs;
        expect(runs).toBeLessThanOrEqual(safeMs);
      }),
    );
  });
});

describe('network planes', () => {
  const planeOf = (plane: 'control' | 'data' | 'bulk', ...lines: readonly string[]) =>
    loadText(`[network.${plane}]\n${lines.join('\n')}\n`).config.network[plane];

  test('a partial plane takes the defaults of that plane', () => {
    expect(planeOf('data', 'concurrency_limit = 7')).toMatchObject({
      concurrencyMax: 7,
      connectTimeoutMs: 50,
      requestTimeoutMs: 500,
      streamsMax: 500,
      windowAdaptive: true,
    });
  });

  test('what is not set gives way to what is', () => {
    expect(planeOf('bulk', 'request_timeout_in_ms = 10_000').connectTimeoutMs).toBe(5000);
    expect(planeOf('control', 'connect_timeout_in_ms = 1000').requestTimeoutMs).toBe(2000);
    expect(planeOf('bulk', 'connection_window_size = 8_388_608').streamWindowBytes).toBe(8_388_608);
    expect(planeOf('control', 'stream_window_size = 2_097_152').connectionWindowBytes).toBe(
      2_097_152,
    );
    const byInterval = planeOf('data', 'http2_keep_alive_interval_in_secs = 10');
    expect(byInterval.keepaliveTimeoutSeconds).toBe(5);
    const byTimeout = planeOf('control', 'http2_keep_alive_timeout_in_secs = 60');
    expect(byTimeout.keepaliveIntervalSeconds).toBe(120);
  });

  test('no deadline on requests fits every connect timeout', () => {
    expect(planeOf('bulk', 'request_timeout_in_ms = 0').connectTimeoutMs).toBe(500_000);
  });

  test('adaptive windows are not held to the rules of fixed ones', () => {
    expect(planeOf('data', 'connection_window_size = 1').streamWindowBytes).toBe(1_048_576);
  });

  test.each([
    ['connect_timeout_in_ms = 200', 'request_timeout_in_ms = 200', 'must be below'],
    ['request_timeout_in_ms = 1', '', 'must be below'],
    [
      'http2_keep_alive_timeout_in_secs = 9',
      'http2_keep_alive_interval_in_secs = 9',
      'must be below',
    ],
    ['stream_window_size = 200000', 'connection_window_size = 100000', 'must not be above'],
    ['stream_window_size = 65534', '', 'must be at least 65535'],
    ['connection_window_size = 65534', '', 'must be at least 65535'],
    ['max_frame_size = 16383', '', 'from 16384 to 16777215'],
    ['connection_window_size = 2147483648', '', 'from 1 to 2147483647'],
  ])('%s %s', (first, second, text) => {
    const messages = messagesOf(() => planeOf('control', first, second));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(text);
  });

  test('a frame larger than HTTP/2 allows is taken as the largest, with a warning', () => {
    const { config, warnings } = loadText('[network.data]\nmax_frame_size = 33_554_432\n');
    expect(config.network.data.frameBytesMax).toBe(16_777_215);
    expect(warnings).toEqual([
      'config key network.data.max_frame_size = 33554432 runs as 16777215, the most (n1.toml:2)',
    ]);
  });
});

describe('limits', () => {
  const limitsOf = (...lines: readonly string[]) =>
    loadText(`[limits]\n${lines.join('\n')}\n`).config.limits;

  test('key and value shrink to fit a smaller request', () => {
    expect(limitsOf('max_request_bytes = 1_048_576')).toMatchObject({
      keyBytesMax: 65_536,
      valueBytesMax: 983_039,
    });
    expect(limitsOf('max_request_bytes = 1024')).toMatchObject({
      keyBytesMax: 512,
      valueBytesMax: 511,
    });
  });

  test('all three set must fit', () => {
    const lines = ['max_key_bytes = 512', 'max_value_bytes = 512', 'max_request_bytes = 1024'];
    expect(messagesOf(() => limitsOf(...lines))).toEqual([
      'limits.max_key_bytes = 512 and limits.max_value_bytes = 512 together must be below ' +
        'limits.max_request_bytes = 1024',
    ]);
  });
});

const twoMembers = `[cluster]
node_id = 1
initial_cluster = [
  { id = 1, address = "127.0.0.1:1", role = 1, status = 2 },
  { id = 2, address = "127.0.0.1:2", role = 1, status = 2 },
]
`;

describe('retry and tls', () => {
  test.each([
    ['[retry.election]\nbase_delay_ms = 5000', 'retry.election.base_delay_ms = 5000 must be below'],
    ['[retry.election]\nmax_delay_ms = 120001', 'from 1 to 120000'],
    ['[retry.election]\nmax_retries = 0', 'at least 1'],
    ['[retry.install_snapshot]\nmin_timeout_ms = 30001', 'must not be above'],
    ['[retry.install_snapshot]\npush_backoff_max_delay_ms = 1999', 'must not be above'],
    ['[retry.install_snapshot]\nmax_timeout_ms = 86400001', 'to 86400000'],
    ['[tls]\nenable_mtls = true', 'tls.enable_mtls = true needs tls.enable_tls = true'],
    [
      '[tls]\ngenerate_self_signed_certificates = true\nserver_certificate_path = "a"',
      'excludes paths of a certificate',
    ],
    [
      `${twoMembers}[tls]\nenable_tls = true\ngenerate_self_signed_certificates = true`,
      'with other members needs tls.certificate_authority_root_path, a file with all of theirs',
    ],
    [
      '[tls]\nenable_tls = true\nenable_mtls = true\ngenerate_self_signed_certificates = true',
      'with tls.enable_mtls needs tls.client_certificate_authority_root_path, a file with all',
    ],
  ])('%j', (toml, text) => {
    const messages = messagesOf(() => loadText(toml));
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(text);
  });
});

describe('tls that fits', () => {
  test.each([
    '[tls]\nenable_tls = true',
    '[tls]\nenable_tls = true\nenable_mtls = true',
    '[tls]\nenable_tls = true\ngenerate_self_signed_certificates = true',
    `${twoMembers}[tls]\nenable_tls = true\ngenerate_self_signed_certificates = true\n` +
      'certificate_authority_root_path = "all.pem"',
    '[tls]\nserver_certificate_path = "a"',
  ])('%j', (toml) => {
    expect(loadText(toml).warnings).toEqual([]);
  });

  test('a certificate that nobody will see is said to be of no use', () => {
    expect(loadText('[tls]\ngenerate_self_signed_certificates = true').warnings).toEqual([
      'tls.generate_self_signed_certificates = true is of no use without tls.enable_tls = true ' +
        '(n1.toml:2)',
    ]);
  });
});
