import type { Counter, Logger, Metrics } from '@d-engine/base';

const repeatEveryMs = 60_000;
/** Callers can make up reasons (their addresses): the rest of them share one entry. */
const reasonsMax = 100;

interface Told {
  saidAtMs: number;
  /** Since it was said last. */
  count: number;
}

/**
 * Says why connections were not taken: at once, and then once a minute for each reason, however
 * many there are. A member that cannot connect tries several times a second.
 */
export class RefusalLog {
  readonly #logger: Logger;
  readonly #refused: Counter;
  readonly #nowMs: () => number;
  readonly #told = new Map<string, Told>();

  constructor(logger: Logger, metrics: Metrics, nowMs: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#refused = metrics.counter(
      'd_engine_connections_refused_total',
      'Connections to the client port that were not taken: no TLS, no trusted certificate, ...',
    );
  }

  note(error: Error): void {
    this.#refused.add();
    const nowMs = this.#nowMs();
    const isKnown = this.#told.has(error.message) || this.#told.size < reasonsMax;
    const key = isKnown ? error.message : '';
    const told = this.#told.get(key);
    if (told !== undefined && nowMs - told.saidAtMs < repeatEveryMs) {
      told.count += 1;
      return;
    }
    const more = told === undefined || told.count === 0 ? undefined : told.count;
    this.#told.set(key, { saidAtMs: nowMs, count: 0 });
    this.#logger.warn(error.message, more === undefined ? {} : { since_the_last_line: more });
  }
}
