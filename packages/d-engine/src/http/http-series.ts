import type { Counter, Gauge, Histogram, Metrics } from '@d-engine/base';
import type { Route } from './route.ts';

const secondsBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** What the HTTP side counts. Labels come from the route table, never from callers. */
export class HttpSeries {
  readonly connections: Gauge;
  readonly connectionsRefused: Counter;
  readonly #metrics: Metrics;
  readonly #requests = new Map<string, Counter>();
  readonly #durations = new Map<string, Histogram>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.connections = metrics.gauge('d_engine_http_connections', 'Open HTTP/1.1 connections.');
    this.connectionsRefused = metrics.counter(
      'd_engine_http_connections_refused_total',
      'HTTP/1.1 connections refused because too many were open.',
    );
  }

  observe(route: Route | undefined, status: number, durationMs: number): void {
    const name = route?.path ?? 'none';
    this.#requestsOf(name, status).add();
    this.#durationOf(name).observe(durationMs / 1000);
  }

  #requestsOf(route: string, status: number): Counter {
    const key = `${route} ${status}`;
    let counter = this.#requests.get(key);
    if (counter === undefined) {
      const labels = { route, status: String(status) };
      const name = 'd_engine_http_requests_total';
      counter = this.#metrics.counter(name, 'HTTP/1.1 requests answered.', labels);
      this.#requests.set(key, counter);
    }
    return counter;
  }

  #durationOf(route: string): Histogram {
    let histogram = this.#durations.get(route);
    if (histogram === undefined) {
      const name = 'd_engine_http_request_duration_seconds';
      const help = 'Time from the headers of a request to its answer.';
      histogram = this.#metrics.histogram(name, help, secondsBounds, { route });
      this.#durations.set(route, histogram);
    }
    return histogram;
  }
}
