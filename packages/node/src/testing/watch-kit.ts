import type { Counter, HistoryId, Metrics, Revision } from '@d-engine/base';
import { DEngineError, silentMetrics } from '@d-engine/base';
import type { StateEvent } from '@d-engine/storage';
import { WatchHub } from '../watch/watch-hub.ts';
import { WatchMetrics } from '../watch/watch-metrics.ts';
import type { WatchSelection } from '../watch/watch-selection.ts';
import { prefixSelection } from '../watch/watch-selection.ts';
import type { WatchSettings } from '../watch/watch-settings.ts';
import type { Watcher, WatcherRequest, WatchNotice } from '../watch/watcher.ts';
import { ManualClock } from './manual-clock.ts';

export const text = (bytes: Uint8Array | null): string =>
  bytes === null ? '' : Buffer.from(bytes).toString('latin1');

export const put = (revision: Revision, key: string, value = `v${revision}`): StateEvent => ({
  revision,
  type: 'put',
  key: Buffer.from(key, 'latin1'),
  value: Buffer.from(value),
  previous: null,
});

export const keySelection = (key: string): WatchSelection => ({
  type: 'key',
  key: Buffer.from(key, 'latin1'),
});

export const byPrefix = (prefix: string): WatchSelection =>
  prefixSelection(Buffer.from(prefix, 'latin1'));

/** A hub over a state that tests move on. */
export class WatchKit {
  readonly clock: ManualClock = new ManualClock();
  readonly counted: Map<string, number> = new Map<string, number>();
  readonly hub: WatchHub;
  revision: Revision;
  historyId: HistoryId | null;
  hasLeader = true;
  /** How often any watcher was woken. */
  wakes = 0;

  constructor(
    settings: Partial<WatchSettings> = {},
    { revision = 0, historyId = 'h' }: { revision?: Revision; historyId?: HistoryId | null } = {},
  ) {
    this.revision = revision;
    this.historyId = historyId;
    const revisionNow = (): Revision => this.revision;
    const historyNow = (): HistoryId | null => this.historyId;
    this.hub = new WatchHub({
      clock: this.clock,
      metrics: new WatchMetrics(this.#metrics()),
      settings: {
        ringEventsMax: 100,
        ringBytesMax: 1_000_000,
        watcherEventsMax: 100,
        watchersMax: 100,
        progressIntervalMs: 0,
        lagMeasured: false,
        ...settings,
      },
      state: {
        get revision() {
          return revisionNow();
        },
        get historyId() {
          return historyNow();
        },
      },
      hasLeader: () => this.hasLeader,
    });
  }

  open(
    selection: WatchSelection,
    after?: WatcherRequest['after'],
    more: Partial<WatcherRequest> = {},
  ): Watcher {
    const opened = this.tryOpen(selection, after, more);
    if (opened instanceof DEngineError) throw opened;
    return opened;
  }

  tryOpen(
    selection: WatchSelection,
    after?: WatcherRequest['after'],
    more: Partial<WatcherRequest> = {},
  ): Watcher | DEngineError {
    const request = { previousValues: false, progressIntervalMs: undefined, ...more };
    return this.hub.open({ selection, after, ...request }, () => {
      this.wakes += 1;
    });
  }

  /** One turn: the state moves on to the last of the revisions. */
  apply(events: readonly StateEvent[], revision: Revision = events.at(-1)?.revision ?? 0): void {
    this.revision = revision;
    this.hub.onApplied(events);
  }

  load(revision: Revision, historyId: HistoryId | null = this.historyId): void {
    this.revision = revision;
    this.historyId = historyId;
    this.hub.onLoaded();
  }

  #metrics(): Metrics {
    const counter = (name: string): Counter => ({
      add: (amount = 1) => this.counted.set(name, (this.counted.get(name) ?? 0) + amount),
    });
    return { ...silentMetrics, counter };
  }
}

/** All that a watcher has to tell now, in short: `ready 3`, `4:a=v4,b=v4`, `progress 9`, `5001`. */
export function told(watcher: Watcher): string[] {
  const lines: string[] = [];
  for (;;) {
    const notice = watcher.next();
    if (notice === undefined) return lines;
    lines.push(lineOf(notice));
  }
}

function lineOf(notice: WatchNotice): string {
  if (notice.type === 'canceled') return String(notice.error.code);
  const { revision } = notice.token;
  if (notice.type !== 'events') return `${notice.type} ${revision}`;
  const events = notice.events.map(({ key, value }) => `${text(key)}=${text(value)}`);
  return `${revision}:${events.join(',')}`;
}
