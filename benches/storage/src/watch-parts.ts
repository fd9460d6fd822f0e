import type { Entry } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds, silentMetrics } from '@d-engine/base';
import type { OpenWatch, WatchSelection } from '@d-engine/node';
import { prefixSelection, Watches } from '@d-engine/node';
import { KeyValueStateMachine } from '@d-engine/storage';
import { createClientEnv } from '../../../packages/d-engine/src/env/index.ts';
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
  const watches = watchesOf(state);
  const woken: OpenWatch[] = [];
  for (let number = 0; number < watcherCount; number++) {
    const request = { selection: select(number), after: undefined };
    const more = { previousValues: false, progressIntervalMs: undefined };
    const watcher = watches.open({ ...request, ...more }, () => woken.push(watcher)) as OpenWatch;
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
    watches.onApplied(entries, state.apply(entries).events);
    for (const watcher of woken.splice(0)) {
      for (let notice = watcher.next(); notice !== undefined; notice = watcher.next()) heard += 1;
    }
    const { user, system } = process.cpuUsage(started);
    cpuUs += user + system;
  }
  const perPut = (cpuUs / (turns * entriesPerTurn)).toFixed(2);
  return `${perPut} us of CPU, ${heard} events heard`;
}

function watchesOf(state: KeyValueStateMachine): Watches {
  const nobody = { voters: [1], outgoingVoters: [], learners: [], nextLearners: [], members: [] };
  return new Watches({
    clock: createClientEnv().clock,
    state,
    metrics: silentMetrics,
    raft: {
      leaderId: 1,
      configuration: { ...nobody, autoLeave: false },
      snapshotAt: () => {
        throw new Error('no member comes or goes here');
      },
    },
    checks: { key: () => undefined },
    closed: () => undefined,
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
  const watches = watchesOf(state);
  globalThis.gc?.();
  const before = process.memoryUsage();
  for (let number = 0; number < watcherCount; number++) {
    const selection: WatchSelection = { type: 'key', key: Buffer.from(`key-${number}`) };
    const request = { after: undefined, previousValues: false, progressIntervalMs: undefined };
    watches.open({ selection, ...request }, () => undefined);
  }
  globalThis.gc?.();
  const after = process.memoryUsage();
  // Until here they are held.
  watches.refreshMetrics();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  return Math.round(grown / watcherCount);
}

function entriesOf(payloads: readonly Uint8Array[], first: number, kind: Entry['kind']): Entry[] {
  return encodeEntries(
    payloads.map((payload) => ({ kind, payload })),
    first,
    1,
    1,
  );
}
