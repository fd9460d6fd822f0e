import type { Gauge, Metrics } from '@d-engine/base';
import type { StateMachine } from '@d-engine/storage';

export type MeasuredState = Pick<
  StateMachine,
  'appliedIndex' | 'keyCount' | 'stateBytes' | 'durableIndex' | 'pendingBytes'
>;

/** The series of one state machine, bound once. */
export class StateMetrics {
  readonly #appliedIndex: Gauge;
  readonly #keys: Gauge;
  readonly #stateBytes: Gauge;
  readonly #durableIndex: Gauge;
  readonly #pendingBytes: Gauge;

  constructor(metrics: Metrics) {
    const gauge = (name: string, help: string): Gauge => metrics.gauge(name, help);
    this.#appliedIndex = gauge('d_engine_applied_index', 'Highest index in the state machine');
    this.#keys = gauge('d_engine_keys', 'Keys in the store');
    this.#stateBytes = gauge('d_engine_state_bytes', 'Bytes of keys and values in the store');
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
    this.#durableIndex.set(state.durableIndex);
    this.#pendingBytes.set(state.pendingBytes);
  }
}
