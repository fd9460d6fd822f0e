import type { Gauge, Metrics } from '@d-engine/base';
import type { StateMachine } from '@d-engine/storage';

/** How much of the state goes away by itself. */
export class LifetimeMetrics {
  readonly #expiringKeys: Gauge;
  readonly #leases: Gauge;
  readonly #sessions: Gauge;

  constructor(metrics: Metrics) {
    this.#expiringKeys = metrics.gauge('d_engine_expiring_keys', 'Keys with a TTL of their own');
    this.#leases = metrics.gauge('d_engine_leases', 'Leases that are granted');
    this.#sessions = metrics.gauge('d_engine_sessions', 'Sessions that are open');
  }

  refresh(state: Pick<StateMachine, 'expiringKeyCount' | 'leaseCount' | 'sessionCount'>): void {
    this.#expiringKeys.set(state.expiringKeyCount);
    this.#leases.set(state.leaseCount);
    this.#sessions.set(state.sessionCount);
  }
}
