import type { Counter, Gauge, Histogram, Labels, Metrics } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { CounterSeries, GaugeSeries, HistogramSeries, type Series } from './real-metrics-series.ts';
import { formatLabels } from './real-metrics-text.ts';

type MetricType = 'counter' | 'gauge' | 'histogram';

interface Family {
  readonly type: MetricType;
  readonly help: string;
  /** Of a histogram; else empty. */
  readonly bounds: readonly number[];
  readonly series: Map<string, Series>;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Metrics in memory, rendered as Prometheus reads them (text format 0.0.4). */
export class MetricsRegistry implements Metrics {
  readonly #families: Map<string, Family> = new Map();

  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#series(this.#family(name, 'counter', help, []), name, labels, CounterSeries);
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    return this.#series(this.#family(name, 'gauge', help, []), name, labels, GaugeSeries);
  }

  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): Histogram {
    const family = this.#family(name, 'histogram', help, bounds);
    return this.#series(family, name, labels, HistogramSeries);
  }

  /** Names in alphabetical order, the series of a name by their labels. */
  render(): string {
    let text = '';
    for (const [name, family] of byKey(this.#families)) {
      text += `# HELP ${name} ${escapeHelp(family.help)}\n# TYPE ${name} ${family.type}\n`;
      for (const [, series] of byKey(family.series)) text += series.render();
    }
    return text;
  }

  #family(name: string, type: MetricType, help: string, bounds: readonly number[]): Family {
    const known = this.#families.get(name);
    if (known === undefined) {
      assert(metricName.test(name), () => `${name} is no name of a metric`);
      assert(
        bounds.every(
          (bound, at) => Number.isFinite(bound) && bound > (bounds[at - 1] ?? -Infinity),
        ),
        () => `the bounds of ${name} do not rise`,
      );
      const family = { type, help, bounds: [...bounds], series: new Map<string, Series>() };
      this.#families.set(name, family);
      return family;
    }
    assert(known.type === type, () => `${name} is a ${known.type}, not a ${type}`);
    assert(
      known.bounds.length === bounds.length && known.bounds.every((b, at) => b === bounds[at]),
      () => `${name} has other bounds`,
    );
    return known;
  }

  #series<T extends Series>(
    family: Family,
    name: string,
    labels: Labels,
    Kind: new (name: string, labels: Labels, bounds: readonly number[]) => T,
  ): T {
    const key = formatLabels(labels);
    const known = family.series.get(key);
    if (known instanceof Kind) return known;
    for (const label of Object.keys(labels)) {
      const isFree = label !== 'le' || family.type !== 'histogram';
      assert(labelName.test(label) && isFree, () => `${label} is no label for ${name}`);
    }
    const series = new Kind(name, labels, family.bounds);
    family.series.set(key, series);
    return series;
  }
}

function byKey<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].sort(([left], [right]) => (left < right ? -1 : 1));
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
