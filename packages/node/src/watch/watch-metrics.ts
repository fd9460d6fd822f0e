import type { Counter, Gauge, Metrics } from '@d-engine/base';

/** What watches count of themselves. */
export class WatchMetrics {
  readonly delivered: Counter;
  readonly overflows: Counter;
  readonly compacted: Counter;
  readonly refused: Counter;
  readonly watchers: Gauge;
  readonly ringEvents: Gauge;
  readonly ringBytes: Gauge;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.delivered = metrics.counter(
      'd_engine_watch_events_total',
      'Events handed to watchers, each as often as it was handed out',
    );
    this.overflows = metrics.counter(
      'd_engine_watch_overflows_total',
      'Watchers canceled because they lagged too far (5001)',
    );
    this.compacted = metrics.counter(
      'd_engine_watch_compacted_total',
      'Watchers refused or canceled because their events are no longer kept (10030)',
    );
    this.refused = metrics.counter(
      'd_engine_watch_refusals_total',
      'Watchers refused because max_watcher_count were there',
    );
    this.watchers = metrics.gauge('d_engine_watchers', 'Watchers of keys');
    this.ringEvents = metrics.gauge(
      'd_engine_watch_kept_events',
      'Events kept for watchers that lag or come back',
    );
    this.ringBytes = metrics.gauge('d_engine_watch_kept_bytes', 'Memory that those events take');
  }

  /** How far watchers lag; for whoever asked for it, because it looks at all of them. */
  lag(pendingEvents: number, pendingEventsMax: number): void {
    this.#metrics
      .gauge('d_engine_watch_pending_events', 'Events that wait for watchers to take them')
      .set(pendingEvents);
    this.#metrics
      .gauge('d_engine_watch_pending_events_max', 'The same, of the watcher that has most')
      .set(pendingEventsMax);
  }
}
