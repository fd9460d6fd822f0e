import type { Counter, Gauge, Metrics } from '@d-engine/base';

/** What operators watch where members acknowledge from memory (design rule 3). */
export class RecoveryMetrics {
  readonly possibleDataLosses: Counter;
  readonly recovering: Gauge;

  constructor(metrics: Metrics) {
    this.possibleDataLosses = metrics.counter(
      'd_engine_possible_data_losses_total',
      'New histories that this leader began because too many voters had forgotten',
    );
    this.recovering = metrics.gauge(
      'd_engine_recovering',
      '1 while this member counts in nothing, because it may have forgotten what it acknowledged',
    );
  }
}
