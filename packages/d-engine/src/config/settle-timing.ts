import type { Findings } from './findings.ts';
import type { SectionValues } from './key-declaration.ts';
import { type MergedSettings, pathOf } from './merged-settings.ts';
import { electionSection } from './sections/election.ts';
import { readConsistencySection } from './sections/read-consistency.ts';
import { replicationSection } from './sections/replication.ts';
import { describeOrigin } from './setting-node.ts';

const clockDriftShare = 0.1;
const clockDriftMsMin = 50;

/**
 * How long a lease may last (safety rule 4): voters refuse to elect another leader for
 * `electionTimeoutMinMs`, and their clocks may run faster than the leader's by the margin.
 */
export function leaseDurationMsMax(electionTimeoutMinMs: number): number {
  const marginMs = Math.max(Math.ceil(electionTimeoutMinMs * clockDriftShare), clockDriftMsMin);
  return electionTimeoutMinMs - marginMs;
}

/** Election and heartbeat must leave room for each other. */
export function checkElection(merged: MergedSettings, findings: Findings): void {
  if (!findings.sound(electionSection, replicationSection)) return;
  const { timeoutMinMs, timeoutMaxMs } = merged.section(electionSection);
  const { heartbeatIntervalMs, batchDelayMs } = merged.section(replicationSection);
  const minimum = `${pathOf(electionSection, 'timeoutMinMs')} = ${timeoutMinMs}`;
  const heartbeat = `${pathOf(replicationSection, 'heartbeatIntervalMs')} = ${heartbeatIntervalMs}`;
  if (timeoutMinMs >= timeoutMaxMs) {
    const maximum = `${pathOf(electionSection, 'timeoutMaxMs')} = ${timeoutMaxMs}`;
    findings.problem(
      `${minimum} must be below ${maximum}, so that members do not all wake at once`,
      {
        origin: merged.originOf(electionSection, 'timeoutMinMs', 'timeoutMaxMs'),
        key: pathOf(electionSection, 'timeoutMinMs'),
      },
    );
  }
  if (heartbeatIntervalMs >= timeoutMinMs) {
    findings.problem(`${heartbeat} must be below ${minimum}, or a healthy leader is voted out`, {
      origin:
        merged.originOf(replicationSection, 'heartbeatIntervalMs') ??
        merged.originOf(electionSection, 'timeoutMinMs'),
      key: pathOf(replicationSection, 'heartbeatIntervalMs'),
    });
  }
  if (batchDelayMs >= heartbeatIntervalMs) {
    const delay = `${pathOf(replicationSection, 'batchDelayMs')} = ${batchDelayMs}`;
    findings.problem(`${delay} must be below ${heartbeat}`, {
      origin: merged.originOf(replicationSection, 'batchDelayMs', 'heartbeatIntervalMs'),
      key: pathOf(replicationSection, 'batchDelayMs'),
    });
  }
}

/** Read consistency with a lease that is safe: too long a one is refused or cut. */
export function settleReadConsistency(
  merged: MergedSettings,
  findings: Findings,
): SectionValues<typeof readConsistencySection> {
  const values = merged.section(readConsistencySection);
  if (!findings.sound(electionSection, readConsistencySection)) return values;
  const { timeoutMinMs } = merged.section(electionSection);
  const allowedMs = leaseDurationMsMax(timeoutMinMs);
  if (values.leaseDurationMs <= allowedMs) return values;
  const key = pathOf(readConsistencySection, 'leaseDurationMs');
  const lease = `${key} = ${values.leaseDurationMs}`;
  const minimum = `${pathOf(electionSection, 'timeoutMinMs')} = ${timeoutMinMs}`;
  const rule = `${minimum} less a margin for clock drift (10%, 50 ms at least) leaves ${allowedMs}`;
  const leaseOrigin = merged.originOf(readConsistencySection, 'leaseDurationMs');
  const electionOrigin = merged.originOf(electionSection, 'timeoutMinMs');
  if (leaseOrigin !== undefined && electionOrigin !== undefined) {
    findings.problem(`${lease} is too long a lease: ${rule}`, { origin: leaseOrigin, key });
    return values;
  }
  const origin = leaseOrigin ?? electionOrigin;
  const place = origin === undefined ? '' : ` (${describeOrigin(origin)})`;
  findings.warn(`config key ${lease} runs as ${allowedMs}: ${rule}${place}`);
  return { ...values, leaseDurationMs: allowedMs };
}
