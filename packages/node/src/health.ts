import type { NodeStatus } from '@d-engine/base';
import type { MemberLeadership } from './leadership.ts';
import type { MemberCondition } from './member-condition.ts';

/** One thing that health looks at. */
export type HealthCheck =
  | { readonly ok: true }
  /** `reason`: what is wrong and what to do. */
  | { readonly ok: false; readonly reason: string };

/** Names are snake_case: they stand in JSON as they are. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>;

export interface HealthReport {
  /** The process does its work. A failing one calls for a restart, so a missing quorum is none. */
  readonly live: HealthChecks;
  /** This member can serve clients now, in addition to `live`. */
  readonly ready: HealthChecks;
}

/** A member further behind than this is not ready: its eventual reads would be old. */
const lagEntriesMax = 10_000;

export function healthReport(
  status: NodeStatus,
  leadership: MemberLeadership,
  condition: MemberCondition,
  spaceProblem: Error | undefined,
): HealthReport {
  const lag = status.commitIndex - status.appliedIndex;
  return {
    live: { process: check(undefined) },
    ready: {
      member: check(condition.closed?.message),
      leader: check(status.leader === null ? leadership.noLeader().message : undefined),
      applied: check(lag > lagEntriesMax ? `${lag} committed entries are not applied` : undefined),
      disk: check(spaceProblem?.message),
    },
  };
}

export function isReady(report: HealthReport): boolean {
  return [...Object.values(report.live), ...Object.values(report.ready)].every((c) => c.ok);
}

function check(problem: string | undefined): HealthCheck {
  return problem === undefined ? { ok: true } : { ok: false, reason: problem };
}
