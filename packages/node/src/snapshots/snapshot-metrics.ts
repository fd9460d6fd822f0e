import type { Counter, Gauge, Histogram, Metrics } from '@d-engine/base';

const durationBoundsMs = [10, 50, 100, 500, 1000, 5000, 10_000, 60_000, 300_000];

/** The series that tell of snapshots, bound once. */
export class SnapshotMetrics {
  readonly taken: Counter;
  readonly takenMs: Histogram;
  readonly failures: Counter;
  readonly installed: Counter;
  readonly purgedEntries: Counter;
  readonly sent: Counter;
  readonly sentBytes: Counter;
  readonly resumed: Counter;
  readonly transferFailures: Counter;
  readonly saved: Counter;
  /** By peer: failed transfers in a row. */
  readonly failuresInARow: (peer: string) => Gauge;
  readonly #index: Gauge;
  readonly #firstLogIndex: Gauge;
  readonly #logBytes: Gauge;

  constructor(metrics: Metrics) {
    const counter = (name: string, help: string): Counter => metrics.counter(name, help);
    this.taken = counter('d_engine_snapshots_taken_total', 'Snapshots that this member took');
    this.takenMs = metrics.histogram(
      'd_engine_snapshot_duration_ms',
      'From the view of the state until the snapshot was durable',
      durationBoundsMs,
    );
    this.failures = counter('d_engine_snapshot_failures_total', 'Snapshots that were not finished');
    this.installed = counter(
      'd_engine_snapshots_installed_total',
      'Snapshots of a leader that took the place of the log',
    );
    this.purgedEntries = counter(
      'd_engine_log_purged_entries_total',
      'Entries that the log forgot because a snapshot has them',
    );
    this.sent = counter('d_engine_snapshots_sent_total', 'Snapshots that a peer got whole');
    this.sentBytes = counter('d_engine_snapshot_sent_bytes_total', 'Bytes of snapshots sent');
    this.resumed = counter(
      'd_engine_snapshot_transfers_resumed_total',
      'Transfers that went on where they had broken off',
    );
    this.transferFailures = counter(
      'd_engine_snapshot_transfer_failures_total',
      'Transfers to a peer that were given up',
    );
    this.saved = counter(
      'd_engine_snapshots_saved_total',
      'Snapshots that were handed out whole to whoever asked',
    );
    this.failuresInARow = (peer) =>
      metrics.gauge(
        'd_engine_snapshot_push_consecutive_failures',
        'Transfers to a peer given up since the last one that went well',
        { peer },
      );
    this.#index = metrics.gauge('d_engine_snapshot_index', 'Last entry in the newest snapshot');
    this.#firstLogIndex = metrics.gauge('d_engine_first_log_index', 'First entry in the log');
    this.#logBytes = metrics.gauge('d_engine_log_bytes', 'Bytes of the log on disk');
  }

  /** Brings the gauges up to date; called when somebody looks. */
  refresh(sources: { snapshotIndex: number; firstLogIndex: number; logBytes: number }): void {
    this.#index.set(sources.snapshotIndex);
    this.#firstLogIndex.set(sources.firstLogIndex);
    this.#logBytes.set(sources.logBytes);
  }
}
