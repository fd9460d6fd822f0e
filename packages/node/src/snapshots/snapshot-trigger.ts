import type { Clock, LogIndex, Random } from '@d-engine/base';
import type { SnapshotSettings } from './snapshot-settings.ts';

/** The share of a bound that a member waits longer, at most: so that all do not do it at once. */
const jitterShare = 0.25;

/** Says when the next snapshot is due: by entries, by bytes of the log, or by time. */
export class SnapshotTrigger {
  readonly #settings: SnapshotSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  #lastIndex: LogIndex;
  #notBeforeMs: number;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #entriesMax = Number.POSITIVE_INFINITY;
  #logBytesMax = Number.POSITIVE_INFINITY;

  /** `lastIndex`: of the newest snapshot; 0 without one. */
  constructor(settings: SnapshotSettings, clock: Clock, random: Random, lastIndex: LogIndex) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
    this.#lastIndex = lastIndex;
    this.#notBeforeMs = clock.monotonicMs();
    if (settings.enabled) this.#draw();
  }

  isDue(appliedIndex: LogIndex, logBytes: number): boolean {
    const entries = appliedIndex - this.#lastIndex;
    if (!this.#settings.enabled || entries <= 0) return false;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#notBeforeMs) return false;
    return entries >= this.#entriesMax || logBytes >= this.#logBytesMax || nowMs >= this.#dueAtMs;
  }

  /** There is a snapshot up to `index`, made here or elsewhere. */
  taken(index: LogIndex): void {
    this.#lastIndex = Math.max(this.#lastIndex, index);
    this.postpone();
  }

  /** Nothing is tried again before the cool-down is over. */
  postpone(): void {
    this.#notBeforeMs = this.#clock.monotonicMs() + this.#settings.coolDownMs;
    if (this.#settings.enabled) this.#draw();
  }

  #draw(): void {
    const { entriesMax, logBytesMax, intervalMs } = this.#settings;
    const factor = 1 + this.#random.float() * jitterShare;
    this.#entriesMax = entriesMax * factor;
    this.#logBytesMax = logBytesMax === 0 ? Number.POSITIVE_INFINITY : logBytesMax * factor;
    const nowMs = this.#clock.monotonicMs();
    this.#dueAtMs = intervalMs === 0 ? Number.POSITIVE_INFINITY : nowMs + intervalMs * factor;
  }
}
