import type { Logger } from '@d-engine/base';

const dayMs = 86_400_000;
/** Time enough for whoever reads logs once a week. */
const warnBeforeMs = 30 * dayMs;

/** Says once a day, for each file, that its certificates expire soon or have expired. */
export class ExpiryLog {
  readonly #logger: Logger;
  readonly #saidAtMs = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  check(path: string, endsAtMs: number, nowMs: number): void {
    const leftMs = endsAtMs - nowMs;
    const saidAtMs = this.#saidAtMs.get(path);
    const isNew = saidAtMs === undefined || nowMs - saidAtMs >= dayMs;
    if (leftMs > warnBeforeMs || !isNew) return;
    this.#saidAtMs.set(path, nowMs);
    const when = new Date(endsAtMs).toISOString();
    const advice = 'put a new one in its place: it is taken without a restart';
    if (leftMs <= 0) {
      this.#logger.error(`${path} has expired on ${when}, new connections fail: ${advice}`);
      return;
    }
    const days = Math.floor(leftMs / dayMs);
    this.#logger.warn(`${path} expires on ${when}, in ${days} days: ${advice}`);
  }

  /** It has changed: what was said of it is old. */
  forget(): void {
    this.#saidAtMs.clear();
  }
}
