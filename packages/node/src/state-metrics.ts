import type { Gauge, Metrics } from '@d-engine/base';
import type { StateMachine } from '@d-engine/storage';

export type MeasuredState = Pick<
  StateMachine,
  | 'appliedIndex'
  | 'keyCount'
  | 'stateBytes'
  | 'expiringKeyCount'
  | 'leaseCount'
  | 'sessionCount'
  | 'durableIndex'
  | 'pendingBytes'
>;

/** The series of one state machine, bound once. */
export class StateMetrics {
  readonly #appliedIndex: Gauge;
  readonly #keys: Gauge;
  readonly #stateBytes: Gauge;
  readonly #expiringKeys: Gauge;
  readonly #leases: Gauge;
  readonly #sessions: Gauge;
  readonly #durableIndex: Gauge;
  readonly #pendingBytes: Gauge;

  constructor(metrics: Metrics) {
    const gauge = (name: string, help: string): Gauge => metrics.gauge(name, help);
    this.#appliedIndex = gauge('d_engine_applied_index', 'Highest index in the state machine');
    this.#keys = gauge('d_engine_keys', 'Keys in the store');
    this.#stateBytes = gauge('d_engine_state_bytes', 'Bytes of keys and values in the store');
    this.#expiringKeys = gauge('d_engine_expiring_keys', 'Keys with a TTL of their own');
    this.#leases = gauge('d_engine_leases', 'Leases that are granted');
    this.#sessions = gauge('d_engine_sessions', 'Sessions that are open');
    this.#durableIndex = gauge(
      'd_engine_state_durable_index',
      'Highest index that a start finds in a state machine on disk; 0 for one in memory',
    );
    this.#pendingBytes = gauge(
      'd_engine_state_pending_bytes',
      'Memory that changes take until a state machine on disk has written them',
    );
  }

  refresh(state: MeasuredState): void {
    this.#appliedIndex.set(state.appliedIndex);
    this.#keys.set(state.keyCount);
    this.#stateBytes.set(state.stateBytes);
    this.#expiringKeys.set(state.expiringKeyCount);
    this.#leases.set(state.leaseCount);
    this.#sessions.set(state.sessionCount);
    this.#durableIndex.set(state.durableIndex);
    this.#pendingBytes.set(state.pendingBytes);
  }
}
