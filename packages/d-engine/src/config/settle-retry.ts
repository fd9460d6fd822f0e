import type { Findings } from './findings.ts';
import type { SectionDeclaration } from './key-declaration.ts';
import { type MergedSettings, pathOf } from './merged-settings.ts';
import type { RetryConfig, RetryPolicyConfig } from './node-config.ts';
import {
  installSnapshotKeys,
  installSnapshotRetrySection,
  retryPolicyKeys,
  retryPolicySections,
} from './sections/retry.ts';

export function settleRetry(merged: MergedSettings, findings: Findings): RetryConfig {
  const policy = (section: SectionDeclaration): RetryPolicyConfig => {
    const context: OrderContext = { merged, section, findings };
    const values = merged.variant(section, retryPolicyKeys);
    checkOrder(values, 'baseDelayMs', 'delayMsMax', false, context);
    return values;
  };
  const { appendEntries, election, membership, healthCheck } = retryPolicySections;
  const { autoDiscovery, joinCluster, internalQuorum } = retryPolicySections;
  return {
    appendEntries: policy(appendEntries),
    election: policy(election),
    membership: policy(membership),
    healthCheck: policy(healthCheck),
    autoDiscovery: policy(autoDiscovery),
    joinCluster: policy(joinCluster),
    internalQuorum: policy(internalQuorum),
    installSnapshot: settleInstallSnapshot(policy(installSnapshotRetrySection), merged, findings),
  };
}

function settleInstallSnapshot(
  policy: RetryPolicyConfig,
  merged: MergedSettings,
  findings: Findings,
): RetryConfig['installSnapshot'] {
  const section = installSnapshotRetrySection;
  const values = { ...policy, ...merged.variant(section, installSnapshotKeys) };
  const context: OrderContext = { merged, section, findings };
  checkOrder(values, 'timeoutMsMin', 'timeoutMsMax', true, context);
  checkOrder(values, 'delayMsMax', 'pushBackoffDelayMsMax', true, context);
  return values;
}

interface OrderContext {
  readonly merged: MergedSettings;
  readonly section: SectionDeclaration;
  readonly findings: Findings;
}

function checkOrder<Field extends string>(
  values: Readonly<Record<Field, number>>,
  lower: Field,
  upper: Field,
  equal: boolean,
  { merged, section, findings }: OrderContext,
): void {
  const low = values[lower];
  const high = values[upper];
  if ((equal ? low <= high : low < high) || !findings.sound(section)) return;
  const relation = equal ? 'must not be above' : 'must be below';
  findings.problem(
    `${pathOf(section, lower)} = ${low} ${relation} ${pathOf(section, upper)} = ${high}`,
    { origin: merged.originOf(section, lower, upper), key: pathOf(section, lower) },
  );
}
