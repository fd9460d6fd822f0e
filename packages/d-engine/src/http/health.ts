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
