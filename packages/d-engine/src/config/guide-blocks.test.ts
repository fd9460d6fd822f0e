import { describe, expect, test } from 'vitest';
import type { LoadedConfig } from './load-config.ts';
import { loadText, problemsOf } from './test-support.ts';

/** The TOML blocks of the guides, word for word but for comments; each must load on defaults. */
interface GuideBlock {
  readonly name: string;
  readonly toml: string;
  /** Keys that warn, in whatever words. */
  readonly warns: readonly string[];
  readonly check?: (loaded: LoadedConfig) => void;
}

/** The three deployments share their keys and differ in their numbers. */
const deploymentPlanes = (
  control: readonly [number, number, string],
  data: readonly [number, number, string],
  bulk: readonly [number, string, string],
): string => `
[network.control]
concurrency_limit = ${control[0]}
max_concurrent_streams = ${control[1]}
connection_window_size = ${control[2]}

[network.data]
concurrency_limit = ${data[0]}
max_concurrent_streams = ${data[1]}
connection_window_size = ${data[2]}

[network.bulk]
concurrency_limit = ${bulk[0]}
connection_window_size = ${bulk[1]}
request_timeout_in_ms = ${bulk[2]}
`;

const persistence = (strategy: string, threshold: number, intervalMs: number): string => `
[raft.persistence]
strategy = "${strategy}"  # Default in v0.2.3+
# For benchmark/development: strategy = "MemFirst"
flush_policy = { Batch = { threshold = ${threshold}, interval_ms = ${intervalMs} } }
`;

const threeNodes = (strategy: string): string => `
[cluster]
node_id = 1
listen_address = "0.0.0.0:9081"
initial_cluster = [
    { id = 1, address = "0.0.0.0:9081", role = 1, status = 2 },  # Follower
    { id = 2, address = "0.0.0.0:9082", role = 1, status = 2 },  # Follower
    { id = 3, address = "0.0.0.0:9083", role = 1, status = 2 },  # Follower
]

[raft.read_consistency]
default_policy = "LeaseRead"
lease_duration_ms = 500

[raft.persistence]
strategy = "${strategy}"  # Default in v0.2.3+, ensures durability
# For benchmark/development: strategy = "MemFirst"
flush_policy = { Batch = { threshold = 100, interval_ms = 20 } }
max_buffered_entries = 10000
flush_workers = 4
`;

const forEachStrategy = (block: (strategy: string) => GuideBlock): GuideBlock[] =>
  ['DiskFirst', 'MemFirst'].map(block);

const blocks: readonly GuideBlock[] = [
  ...forEachStrategy((strategy) => ({
    name: `Strategy Configuration, ${strategy}`,
    toml: persistence(strategy, 1000, 100),
    warns: [],
    check: ({ config }) => {
      const { flushPolicy } = config.raft.persistence;
      expect(flushPolicy).toEqual({ kind: 'batch', threshold: 1000, intervalMs: 100 });
      expect(config.raft.persistence.strategy).toBe(strategy);
    },
  })),
  {
    name: 'Control Plane ([network.control])',
    toml: `[network.control]
concurrency_limit = 8192
max_concurrent_streams = 500
connection_window_size = 2_097_152  # 2MB
http2_keep_alive_timeout_in_secs = 20  # Aggressive timeout
`,
    warns: [],
    check: ({ config }) => expect(config.network.control.connectionWindowBytes).toBe(2_097_152),
  },
  {
    name: 'Data Plane ([network.data])',
    toml: `[network.data]
max_concurrent_streams = 500
connection_window_size = 6_291_456  # 6MB
request_timeout_in_ms = 200          # Batch-friendly
`,
    warns: [],
  },
  {
    name: 'Bulk Plane ([network.bulk])',
    toml: `[network.bulk]
# SNAPSHOT-SPECIFIC SETTINGS (EXAMPLE)
connect_timeout_in_ms = 1000         # Slow-start connections
request_timeout_in_ms = 30000        # 30s for large transfers
concurrency_limit = 4                # Few concurrent streams
connection_window_size = 33_554_432  # 32MB window
`,
    warns: [],
  },
  ...forEachStrategy((strategy) => ({
    name: `Single Node, ${strategy}`,
    toml:
      persistence(strategy, 500, 50) +
      deploymentPlanes([10, 64, '1_048_576'], [20, 128, '2_097_152'], [2, '8_388_608', '10_000']),
    warns: [],
    check: ({ config }) => {
      // Its bulk stream window and connect timeout are not set: they give way.
      expect(config.network.bulk.streamWindowBytes).toBe(8_388_608);
      expect(config.network.bulk.connectTimeoutMs).toBe(5_000);
    },
  })),
  ...forEachStrategy((strategy) => ({
    name: `3-Node Public Cloud Cluster, ${strategy}`,
    toml:
      persistence(strategy, 2000, 200) +
      deploymentPlanes([20, 128, '2_097_152'], [30, 256, '4_194_304'], [4, '33_554_432', '30_000']),
    warns: [],
  })),
  {
    name: '5-Node High-Durability Cluster',
    toml:
      '[raft.persistence]\nstrategy = "DiskFirst" # Highest durability guarantee\n' +
      deploymentPlanes([50, 256, '4_194_304'], [80, 512, '8_388_608'], [8, '67_108_864', '60_000']),
    warns: [],
  },
  {
    name: 'Granular Compression Control',
    toml: `# Example configuration for AWS VPC environment
[raft.rpc_compression]
replication_response = false  # High-frequency, disable for CPU optimization
election_response = true      # Low-frequency, minimal CPU impact
snapshot_response = true      # Large data volume, benefits from compression
cluster_response = true       # Configuration data, benefits from compression
client_response = false       # Improves client read/write performance
`,
    warns: [],
  },
  {
    name: 'Read Consistency and Compression',
    toml: `[raft.read_consistency]
default_policy = "LeaseRead"
lease_duration_ms = 500  # Longer lease duration = better performance
allow_client_override = true

[raft.rpc_compression]
client_response = false  # Optimize client read performance
`,
    warns: [],
    check: ({ config }) => {
      const { defaultPolicy, leaseDurationMs } = config.raft.readConsistency;
      expect([defaultPolicy, leaseDurationMs]).toEqual(['LeaseRead', 500]);
    },
  },
  {
    name: 'Linearizable Read Batching Configuration',
    toml: `[raft.read_consistency.read_batching]
size_threshold = 100      # Trigger point for high concurrency
time_threshold_ms = 50    # Fallback timeout for low concurrency
`,
    warns: ['raft.read_consistency.read_batching'],
  },
  ...forEachStrategy((strategy) => ({
    name: `Three-Node Cluster Example, ${strategy}`,
    toml: threeNodes(strategy),
    warns: ['raft.persistence.flush_workers'],
    check: ({ config }) => {
      const { members } = config.cluster;
      expect(members.map(({ id, role }) => [id, role])).toEqual([
        [1, 'voter'],
        [2, 'voter'],
        [3, 'voter'],
      ]);
      expect(config.raft.readConsistency.leaseDurationMs).toBe(500);
      expect(config.raft.readConsistency.defaultPolicy).toBe('LeaseRead');
    },
  })),
];

describe('the blocks of the guides load alone, on defaults', () => {
  test.each(blocks)('$name', ({ toml, warns, check }) => {
    const loaded = loadText(toml);
    const named = loaded.warnings.map((warning) => warning.split(' ')[2] ?? '');
    expect([...named].sort()).toEqual([...warns].sort());
    check?.(loaded);
  });
});

describe('the two blocks that are not TOML say where and why', () => {
  test('a range instead of a number', () => {
    const toml = '[raft.read_consistency.read_batching]\nsize_threshold = 100-150  # Works\n';
    expect(problemsOf(() => loadText(toml))).toEqual([
      {
        message:
          'not valid TOML: unexpected text after the value: size_threshold = 100-150  # Works',
        file: 'n1.toml',
        line: 2,
        column: 21,
      },
    ]);
  });

  test('a key within a header', () => {
    const toml = '[strategy = "MemFirst"]\nflush_policy = "Immediate" // Anti-pattern\n';
    const [problem] = problemsOf(() => loadText(toml));
    expect(problem).toMatchObject({ file: 'n1.toml', line: 1, column: 11 });
    expect(problem?.message).toContain('[strategy = "MemFirst"]');
    expect(problem?.message).toContain('a table is written [name]');
  });
});
