import type { Clock, HistoryId, Revision, Timer } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { StateEvent, StateMachine } from '@d-engine/storage';
import { EventRing } from './event-ring.ts';
import { WatchIndex } from './watch-index.ts';
import type { WatchMetrics } from './watch-metrics.ts';
import type { WatchSettings } from './watch-settings.ts';
import type { WatcherHome, WatcherRequest } from './watcher.ts';
import { Watcher } from './watcher.ts';

export interface WatchHubOptions {
  readonly clock: Clock;
  readonly settings: WatchSettings;
  readonly metrics: WatchMetrics;
  readonly state: Pick<StateMachine, 'revision' | 'historyId'>;
  /** Progress of a member that hears no leader is no sign of life. */
  readonly hasLeader: () => boolean;
}

/** Progress comes this much of its interval too late at most. */
const sweepShare = 0.1;
const sweepMsMin = 10;
/** Watchers come at the same moment after a failure; what they are told shall not. */
const jitterShare = 0.2;
const goldenRatio = 0.618_033_988_75;
/** After this share of the ring was dropped, those whose events went with it are looked for. */
const staleShare = 1 / 8;

/**
 * All watches of one member (design rule 12): keeps the newest events, hands those of a turn to
 * whoever selects them, and tells each watcher that cannot have everything that it cannot.
 */
export class WatchHub implements WatcherHome {
  readonly ring: EventRing;
  readonly #options: WatchHubOptions;
  readonly #index = new WatchIndex<Watcher>();
  readonly #watchers = new Set<Watcher>();
  /** For a history, or for a revision that is not applied yet. */
  readonly #waiting = new Set<Watcher>();
  /** The lowest revision that one of those waits for. */
  #waitingFrom: Revision = Number.POSITIVE_INFINITY;
  #historyId: HistoryId | null;
  #turn = 0;
  /** The number of the ring's first event when watchers were last held against its floor. */
  #staleCheckedAt = 0;
  #sweepTimer: Timer | undefined;
  #sweepMs = 0;
  #opened = 0;
  #stopped: DEngineError | undefined;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    const { settings, state } = options;
    const limits = { eventsMax: settings.ringEventsMax, bytesMax: settings.ringBytesMax };
    this.ring = new EventRing(limits, state.revision);
    this.#historyId = state.historyId;
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** Begins a watch; `wake` is called when there may be something to take. */
  open(request: WatcherRequest, wake: () => void): Watcher | DEngineError {
    if (this.#stopped !== undefined) return this.#stopped;
    const { watchersMax, progressIntervalMs } = this.#options.settings;
    if (this.#watchers.size >= watchersMax) {
      this.#options.metrics.refused.add();
      return new DEngineError(
        'RateLimited',
        `${watchersMax} watchers are served here already (raft.watch.max_watcher_count): ` +
          'watch at another member, or end one',
        { retryAfterMs: 1_000 },
      );
    }
    const after = request.after ?? { revision: this.#options.state.revision };
    const watcher = new Watcher(
      this,
      {
        ...request,
        after,
        progressIntervalMs: request.progressIntervalMs ?? progressIntervalMs,
      },
      wake,
    );
    if (this.#isAhead(after.revision)) this.#wait(watcher, after.revision);
    else {
      const problem = this.#begin(watcher);
      if (problem !== undefined) return problem;
    }
    this.#watchers.add(watcher);
    this.#opened += 1;
    this.#planProgress(watcher);
    this.#armSweep(watcher.request.progressIntervalMs ?? 0);
    return watcher;
  }

  /** The state has moved on by these events. */
  onApplied(events: readonly StateEvent[]): void {
    if (this.#options.state.historyId !== this.#historyId && this.#historyId !== null) {
      this.#compactAll('a new history began, in which earlier events may not have happened');
      return;
    }
    this.#historyId = this.#options.state.historyId;
    if (events.length > 0) this.#deliver(events);
    if (this.#waiting.size > 0) this.#beginWaiting();
  }

  /** A snapshot took the place of the state: what led to it is not known here. */
  onLoaded(): void {
    this.#compactAll('a snapshot took the place of the events that led to it');
  }

  /** Ends all watches, for good. */
  stop(error: DEngineError): void {
    this.#stopped = error;
    this.cancelAll(error);
    this.#sweepTimer?.cancel();
  }

  /** Ends all watches. */
  cancelAll(error: DEngineError): void {
    for (const watcher of [...this.#watchers]) this.#cancel(watcher, error);
  }

  refreshMetrics(): void {
    const { metrics, settings } = this.#options;
    metrics.watchers.set(this.#watchers.size);
    metrics.ringEvents.set(this.ring.next - this.ring.first);
    metrics.ringBytes.set(this.ring.bytes);
    if (!settings.lagMeasured) return;
    let all = 0;
    let most = 0;
    for (const { pendingCount } of this.#watchers) {
      all += pendingCount;
      most = Math.max(most, pendingCount);
    }
    metrics.lag(all, most);
  }

  onCaughtUp(watcher: Watcher): void {
    this.#index.add(watcher.request.selection, watcher);
  }

  onOverflow(watcher: Watcher): void {
    const { ringEventsMax, watcherEventsMax } = this.#options.settings;
    this.#options.metrics.overflows.add();
    this.#remove(watcher);
    watcher.cancel(
      new DEngineError(
        'WatchBufferOverflow',
        'the watcher lags too far behind and was canceled, nothing was skipped: watch again from ' +
          'its last token, and read faster. Limits here: ' +
          `watcher_buffer_size ${watcherEventsMax}, event_queue_size ${ringEventsMax} events`,
      ),
    );
  }

  onDelivered(watcher: Watcher, events: number): void {
    this.#options.metrics.delivered.add(events);
    this.#planProgress(watcher);
  }

  close(watcher: Watcher): void {
    this.#remove(watcher);
  }

  #isAhead(revision: Revision): boolean {
    return this.#historyId === null || revision > this.#options.state.revision;
  }

  #wait(watcher: Watcher, revision: Revision): void {
    this.#waiting.add(watcher);
    this.#waitingFrom = Math.min(this.#waitingFrom, revision);
  }

  /** Requires: its revision is applied. */
  #begin(watcher: Watcher): DEngineError | undefined {
    const historyId = this.#historyId as HistoryId;
    const { revision, historyId: wanted } = watcher.request.after;
    if (wanted !== undefined && wanted !== historyId)
      return this.#compacted('it is of another history');
    if (revision < this.ring.floor) return this.#compacted('its events are no longer kept here');
    watcher.begin({ historyId, revision });
    return undefined;
  }

  #compacted(reason: string): DEngineError {
    this.#options.metrics.compacted.add();
    const { revision } = this.#options.state;
    const resumeAt =
      this.#historyId === null ? undefined : { historyId: this.#historyId, revision };
    return new DEngineError(
      'WatchCompacted',
      `the watch cannot go on from there, ${reason}: read the state anew at revision ${revision} ` +
        'or later, then watch above what was read',
      { resumeAt },
    );
  }

  #deliver(events: readonly StateEvent[]): void {
    this.#dropStale();
    this.ring.append(events);
    this.#turn += 1;
    const touched: Watcher[] = [];
    const overflowed: Watcher[] = [];
    const { watcherEventsMax } = this.#options.settings;
    for (const event of events) {
      this.#index.visit(event.key, (watcher) => {
        const lag = watcher.lagBefore(this.#turn);
        if (lag !== undefined) (lag >= watcherEventsMax ? overflowed : touched).push(watcher);
        watcher.offer(event);
      });
    }
    for (const watcher of overflowed) this.onOverflow(watcher);
    for (const watcher of touched) watcher.wake();
    for (const watcher of overflowed) watcher.wake();
  }

  /** What waits for watchers must not keep in memory what the ring has given up. */
  #dropStale(): void {
    const { ring } = this;
    const kept = Math.max(ring.next - ring.first, 1);
    if (ring.first - this.#staleCheckedAt < kept * staleShare) return;
    this.#staleCheckedAt = ring.first;
    for (const watcher of [...this.#watchers]) {
      const oldest = watcher.oldestPending;
      if (oldest === undefined || oldest > ring.floor) continue;
      this.onOverflow(watcher);
      watcher.wake();
    }
  }

  #beginWaiting(): void {
    if (this.#isAhead(this.#waitingFrom)) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#waitingFrom = Number.POSITIVE_INFINITY;
    for (const watcher of waiting) {
      const { revision } = watcher.request.after;
      if (this.#isAhead(revision)) {
        this.#wait(watcher, revision);
        continue;
      }
      const problem = this.#begin(watcher);
      if (problem !== undefined) {
        this.#remove(watcher);
        watcher.cancel(problem);
      }
      watcher.wake();
    }
  }

  /** Whoever watches or waits for less than the state has now missed something. */
  #compactAll(reason: string): void {
    const { state } = this.#options;
    this.#historyId = state.historyId;
    this.ring.reset(state.revision);
    this.#staleCheckedAt = this.ring.first;
    for (const watcher of [...this.#watchers]) {
      if (watcher.phase !== 'waiting') this.#cancel(watcher, this.#compacted(reason));
    }
    this.#beginWaiting();
  }

  #cancel(watcher: Watcher, error: DEngineError): void {
    this.#remove(watcher);
    watcher.cancel(error);
    watcher.wake();
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    this.#waiting.delete(watcher);
    this.#index.remove(watcher.request.selection, watcher);
  }

  #planProgress(watcher: Watcher): void {
    const intervalMs = watcher.request.progressIntervalMs ?? 0;
    if (intervalMs === 0) return;
    const share = 1 + jitterShare * (((this.#opened * goldenRatio) % 1) - 0.5);
    watcher.progressDueAtMs = this.#options.clock.monotonicMs() + intervalMs * share;
  }

  /** One timer for all, as often as the most eager one needs it. */
  #armSweep(intervalMs: number): void {
    if (intervalMs === 0) return;
    const delayMs = Math.max(intervalMs * sweepShare, sweepMsMin);
    if (this.#sweepTimer !== undefined && this.#sweepMs <= delayMs) return;
    this.#sweepTimer?.cancel();
    this.#sweepMs = delayMs;
    this.#sweepTimer = this.#options.clock.setTimer(delayMs, () => {
      this.#sweepTimer = undefined;
      this.#armSweep(this.#sweep());
    });
  }

  /** Returns the shortest interval that anybody asked for; 0 when nobody did. */
  #sweep(): number {
    const { clock, state, hasLeader } = this.#options;
    const isLed = hasLeader();
    const nowMs = clock.monotonicMs();
    let shortestMs = Number.POSITIVE_INFINITY;
    for (const watcher of [...this.#watchers]) {
      const intervalMs = watcher.request.progressIntervalMs ?? 0;
      if (intervalMs > 0) shortestMs = Math.min(shortestMs, intervalMs);
      if (!isLed || watcher.progressDueAtMs > nowMs || !watcher.isQuiet) continue;
      watcher.tellProgress(state.revision);
      this.#planProgress(watcher);
      watcher.wake();
    }
    return Number.isFinite(shortestMs) ? shortestMs : 0;
  }
}
