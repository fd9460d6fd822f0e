/** Names and values of one series: `{ peer: '2' }`. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/**
 * Where a node counts what it does. Ask for a series once and keep it: `counter` and its like
 * return the same series for the same name and labels.
 */
export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter;
  gauge(name: string, help: string, labels?: Labels): Gauge;
  /** `bounds` are the upper bounds of the buckets, rising. */
  histogram(name: string, help: string, bounds: readonly number[], labels?: Labels): Histogram;
}

const nothing = (): void => undefined;

/** Counts nothing. */
export const silentMetrics: Metrics = {
  counter: () => ({ add: nothing }),
  gauge: () => ({ set: nothing }),
  histogram: () => ({ observe: nothing }),
};
