import type { Counter, Gauge, Histogram, Labels } from '@d-engine/base';
import { assert } from '@d-engine/base';
import { formatLabels, formatNumber } from './real-metrics-text.ts';

export interface Series {
  /** Its lines, each with a newline. */
  render(): string;
}

export class CounterSeries implements Counter, Series {
  readonly #head: string;
  #value = 0;

  constructor(name: string, labels: Labels) {
    this.#head = name + formatLabels(labels);
  }

  add(amount = 1): void {
    assert(amount >= 0, () => `${this.#head} cannot grow by ${amount}`);
    this.#value += amount;
  }

  render(): string {
    return `${this.#head} ${formatNumber(this.#value)}\n`;
  }
}

export class GaugeSeries implements Gauge, Series {
  readonly #head: string;
  #value = 0;

  constructor(name: string, labels: Labels) {
    this.#head = name + formatLabels(labels);
  }

  set(value: number): void {
    this.#value = value;
  }

  render(): string {
    return `${this.#head} ${formatNumber(this.#value)}\n`;
  }
}

export class HistogramSeries implements Histogram, Series {
  readonly #name: string;
  readonly #labels: Labels;
  readonly #bounds: readonly number[];
  /** Observations of each bucket alone, the last one without a bound. */
  readonly #counts: number[];
  #sum = 0;

  constructor(name: string, labels: Labels, bounds: readonly number[]) {
    this.#name = name;
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    // Not a number is in no bucket but the last, and would spoil the sum for ever.
    if (Number.isNaN(value)) return;
    let bucket = 0;
    while (value > (this.#bounds[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  render(): string {
    let text = '';
    let total = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      total += count;
      const le = formatNumber(this.#bounds[bucket] ?? Infinity);
      text += `${this.#name}_bucket${this.#labelsWith(le)} ${total}\n`;
    }
    const labels = formatLabels(this.#labels);
    const sum = formatNumber(this.#sum);
    return `${text}${this.#name}_sum${labels} ${sum}\n${this.#name}_count${labels} ${total}\n`;
  }

  /** `le` comes last, where readers look for it. */
  #labelsWith(le: string): string {
    const labels = formatLabels(this.#labels);
    const own = `le="${le}"`;
    return labels === '' ? `{${own}}` : `${labels.slice(0, -1)},${own}}`;
  }
}
