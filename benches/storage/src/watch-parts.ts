import type { Entry } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds, silentMetrics } from '@d-engine/base';
import type { WatchSelection } from '@d-engine/node';
import { prefixSelection } from '@d-engine/node';
import { KeyValueStateMachine } from '@d-engine/storage';
import { RealClock } from '../../../packages/d-engine/src/env/real-clock.ts';
import { WatchHub } from '../../../packages/node/src/watch/watch-hub.ts';
import { WatchMetrics } from '../../../packages/node/src/watch/watch-metrics.ts';
import type { Watcher } from '../../../packages/node/src/watch/watcher.ts';
import { report } from './report.ts';

const valueBytes = 256;
/** About what one turn of a busy node applies. */
const entriesPerTurn = 200;
const value = Buffer.alloc(valueBytes, 'x');
const turns = 500;
const keyCount = 10_000;

/** What events and watchers add to a put, with no log, no network and no caller. */
export function runWatchParts(watcherCount: number): void {
  const many = watcherCount.toLocaleString('en');
  report(`a watcher, of ${many}`, `${bytesOfWatcher(watcherCount)} B`);
  const key = (number: number): WatchSelection => ({
    type: 'key',
    key: Buffer.from(`key-${number}`),
  });
  const other = (number: number): WatchSelection => prefixSelection(Buffer.from(`o/${number}/`));
  report('a put, without events', run(false, 0, key));
  report('with events', run(true, 0, key));
  report(`${many} watchers of other keys`, run(true, watcherCount, other));
  report(`${many} watchers of one key each, that read`, run(true, watcherCount, key));
  const all = (): WatchSelection => prefixSelection(Buffer.alloc(0));
  report('20 watchers of everything, that read', run(true, 20, all));
}

function run(
  collectEvents: boolean,
  watcherCount: number,
  select: (number: number) => WatchSelection,
): string {
  const state = new KeyValueStateMachine({ readHistoryId: () => 'history', collectEvents });
  state.apply(entriesOf([Buffer.alloc(0)], 1, entryKinds.bootstrap));
  const hub = hubOf(state);
  const woken: Watcher[] = [];
  for (let number = 0; number < watcherCount; number++) {
    const request = { selection: select(number), after: undefined };
    const more = { previousValues: false, progressIntervalMs: undefined };
    const watcher = hub.open({ ...request, ...more }, () => woken.push(watcher)) as Watcher;
    watcher.next();
  }
  let heard = 0;
  let cpuUs = 0;
  for (let turn = 0; turn < turns; turn++) {
    const commands = Array.from({ length: entriesPerTurn }, () => {
      const name = Buffer.from(`key-${Math.floor(Math.random() * keyCount)}`);
      return encodeWriteCommand({ type: 'put', key: name, value, ttlMs: 0 });
    });
    const entries = entriesOf(commands, state.appliedIndex + 1, entryKinds.command);
    const started = process.cpuUsage();
    hub.onApplied(state.apply(entries).events);
    for (const watcher of woken.splice(0)) {
      for (let notice = watcher.next(); notice !== undefined; notice = watcher.next()) heard += 1;
    }
    const { user, system } = process.cpuUsage(started);
    cpuUs += user + system;
  }
  const perPut = (cpuUs / (turns * entriesPerTurn)).toFixed(2);
  return `${perPut} us of CPU, ${heard} events heard`;
}

function hubOf(state: KeyValueStateMachine): WatchHub {
  return new WatchHub({
    clock: new RealClock(),
    state,
    metrics: new WatchMetrics(silentMetrics),
    hasLeader: () => true,
    settings: {
      ringEventsMax: 10_240,
      ringBytesMax: 67_108_864,
      watcherEventsMax: 4_096,
      watchersMax: 100_000,
      progressIntervalMs: 0,
      lagMeasured: false,
    },
  });
}

/** What a watcher of one key takes while nothing happens. */
function bytesOfWatcher(watcherCount: number): number {
  const state = new KeyValueStateMachine({ readHistoryId: () => 'history' });
  state.apply(entriesOf([Buffer.alloc(0)], 1, entryKinds.bootstrap));
  const hub = hubOf(state);
  globalThis.gc?.();
  const before = process.memoryUsage();
  for (let number = 0; number < watcherCount; number++) {
    const selection: WatchSelection = { type: 'key', key: Buffer.from(`key-${number}`) };
    const request = { after: undefined, previousValues: false, progressIntervalMs: undefined };
    hub.open({ selection, ...request }, () => undefined);
  }
  globalThis.gc?.();
  const after = process.memoryUsage();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  return Math.round(grown / hub.count);
}

function entriesOf(payloads: readonly Uint8Array[], first: number, kind: Entry['kind']): Entry[] {
  return encodeEntries(
    payloads.map((payload) => ({ kind, payload })),
    first,
    1,
    1,
  );
}
