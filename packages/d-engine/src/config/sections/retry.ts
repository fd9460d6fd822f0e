import type { SectionDeclaration } from '../key-declaration.ts';
import { variantSection } from '../variant-section.ts';

/** `[retry]` itself holds policies only. */
export const retrySection = {
  path: 'retry',
  doc: 'Pauses double from base_delay_ms up to max_delay_ms.',
  keys: {
    purgeLog: {
      key: 'purge_log',
      type: 'ignored',
      effect: 'dead',
      doc: 'Table: stood in sample files.',
    },
  },
} as const;

/** Keys of each `[retry.POLICY]`. */
export const retryPolicyKeys = {
  retriesMax: {
    key: 'max_retries',
    type: 'integer',
    default: {
      append_entries: 1,
      election: 3,
      membership: 120,
      healthcheck: 10_000,
      auto_discovery: 3,
      join_cluster: 3,
      internal_quorum: 3,
      install_snapshot: 3,
    },
    minimum: 1,
    effect: 'not-yet',
    doc: 'Attempts.',
  },
  timeoutMs: {
    key: 'timeout_ms',
    type: 'integer',
    unit: 'ms',
    default: {
      append_entries: 100,
      election: 100,
      membership: 500,
      healthcheck: 100,
      auto_discovery: 100,
      join_cluster: 500,
      internal_quorum: 100,
      install_snapshot: 500,
    },
    minimum: 1,
    effect: 'not-yet',
    doc: 'Deadline of one attempt.',
  },
  baseDelayMs: {
    key: 'base_delay_ms',
    type: 'integer',
    unit: 'ms',
    default: {
      append_entries: 50,
      election: 50,
      membership: 3000,
      healthcheck: 1000,
      auto_discovery: 50,
      join_cluster: 3000,
      internal_quorum: 50,
      install_snapshot: 50,
    },
    minimum: 0,
    maximum: 120_000,
    effect: 'not-yet',
    doc: 'First pause; below max_delay_ms.',
  },
  delayMsMax: {
    key: 'max_delay_ms',
    type: 'integer',
    unit: 'ms',
    default: {
      append_entries: 1000,
      election: 5000,
      membership: 60_000,
      healthcheck: 10_000,
      auto_discovery: 1000,
      join_cluster: 60_000,
      internal_quorum: 1000,
      install_snapshot: 2000,
    },
    minimum: 1,
    maximum: 120_000,
    effect: 'not-yet',
    doc: 'Longest pause.',
  },
} as const;

/** What `[retry.install_snapshot]` has besides. */
export const installSnapshotKeys = {
  chunkTimeoutMs: {
    key: 'per_chunk_timeout_ms',
    type: 'integer',
    unit: 'ms',
    default: 100,
    minimum: 1,
    effect: 'not-yet',
    doc: 'Time allowed for each chunk.',
  },
  timeoutMsMin: {
    key: 'min_timeout_ms',
    type: 'integer',
    unit: 'ms',
    default: 100,
    minimum: 0,
    maximum: 86_400_000,
    effect: 'not-yet',
    doc: 'Least time for a whole transfer.',
  },
  timeoutMsMax: {
    key: 'max_timeout_ms',
    type: 'integer',
    unit: 'ms',
    default: 30_000,
    minimum: 1,
    maximum: 86_400_000,
    effect: 'not-yet',
    doc: 'Most time for a whole transfer; not below min_timeout_ms.',
  },
  betweenChunksTimeoutMs: {
    key: 'between_chunk_timeout_ms',
    type: 'integer',
    unit: 'ms',
    default: 30_000,
    minimum: 1,
    effect: 'not-yet',
    doc: 'Longest silence within a transfer.',
  },
  failureAlertThreshold: {
    key: 'push_failure_alert_threshold',
    type: 'integer',
    default: 5,
    minimum: 1,
    effect: 'active',
    versions: 'from v0.2.4',
    doc: 'Failures in a row that raise an alarm.',
  },
  pushBackoffDelayMsMax: {
    key: 'push_backoff_max_delay_ms',
    type: 'integer',
    unit: 'ms',
    default: 30_000,
    minimum: 1,
    effect: 'active',
    versions: 'from v0.2.4',
    doc: 'Longest pause between transfers; not below max_delay_ms.',
  },
} as const;

function policySection(policy: string): SectionDeclaration {
  return variantSection(`retry.${policy}`, 'See [retry].', retryPolicyKeys, policy);
}

export type RetryPolicy =
  | 'appendEntries'
  | 'election'
  | 'membership'
  | 'healthCheck'
  | 'autoDiscovery'
  | 'joinCluster'
  | 'internalQuorum';

/** By the name of the field in the typed result. */
export const retryPolicySections: Readonly<Record<RetryPolicy, SectionDeclaration>> = {
  appendEntries: policySection('append_entries'),
  election: policySection('election'),
  membership: policySection('membership'),
  healthCheck: policySection('healthcheck'),
  autoDiscovery: policySection('auto_discovery'),
  joinCluster: policySection('join_cluster'),
  internalQuorum: policySection('internal_quorum'),
};

export const installSnapshotRetrySection: SectionDeclaration = {
  path: 'retry.install_snapshot',
  doc: 'See [retry].',
  keys: { ...policySection('install_snapshot').keys, ...installSnapshotKeys },
};
