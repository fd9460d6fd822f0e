import type { Counter, Gauge, Histogram, Labels, Metrics } from '@d-engine/base';

/** What happened to one series since it was last told. */
export interface SeriesChange {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
  /** Of a histogram; else empty. */
  readonly bounds: readonly number[];
  /** A counter's increase, a gauge's value, all that a histogram observed. */
  readonly values: readonly number[];
}

type Identity = Omit<SeriesChange, 'values'>;

/** Observations of one histogram are told early when there are so many. */
const observationsMax = 1_000;

/** Gathers what the engine counts on its thread, for a registry of the host on another one. */
export class MetricsRelay implements Metrics {
  readonly #series = new Map<string, { readonly identity: Identity; values: number[] }>();
  readonly #send: (changes: readonly SeriesChange[]) => void;

  constructor(send: (changes: readonly SeriesChange[]) => void) {
    this.#send = send;
  }

  counter(name: string, help: string, labels: Labels = {}): Counter {
    const series = this.#find({ kind: 'counter', name, help, labels, bounds: [] });
    return {
      add: (amount = 1) => {
        series.values[0] = (series.values[0] ?? 0) + amount;
      },
    };
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    const series = this.#find({ kind: 'gauge', name, help, labels, bounds: [] });
    return {
      set: (value) => {
        series.values[0] = value;
      },
    };
  }

  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    const series = this.#find({ kind: 'histogram', name, help, labels, bounds });
    return {
      observe: (value) => {
        series.values.push(value);
        if (series.values.length >= observationsMax) this.flush();
      },
    };
  }

  /** Tells what changed since the last time. */
  flush(): void {
    const changes: SeriesChange[] = [];
    for (const series of this.#series.values()) {
      if (series.values.length === 0) continue;
      changes.push({ ...series.identity, values: series.values });
      series.values = [];
    }
    if (changes.length > 0) this.#send(changes);
  }

  #find(identity: Identity): { values: number[] } {
    const { name, labels } = identity;
    const key = `${name} ${JSON.stringify(labels)}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { identity, values: [] };
      this.#series.set(key, series);
    }
    return series;
  }
}

/** Makes the changes in the host's registry. */
export function applyChanges(metrics: Metrics, changes: readonly SeriesChange[]): void {
  for (const { kind, name, help, labels, bounds, values } of changes) {
    switch (kind) {
      case 'counter':
        metrics.counter(name, help, labels).add(values[0]);
        break;
      case 'gauge':
        metrics.gauge(name, help, labels).set(values[0] ?? 0);
        break;
      case 'histogram':
        for (const value of values) metrics.histogram(name, help, bounds, labels).observe(value);
        break;
    }
  }
}
