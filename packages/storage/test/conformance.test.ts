import { silentLogger } from '@d-engine/base';
import type { HardState } from '@d-engine/raft';
import { describe, expect, it } from 'vitest';
import type { ConformanceCase } from '../src/conformance/conformance-case.ts';
import { mustEqual } from '../src/conformance/conformance-case.ts';
import type { HardStatePlace } from '../src/conformance/hard-state-store-conformance.ts';
import { hardStateStoreConformance } from '../src/conformance/hard-state-store-conformance.ts';
import type { LogPlace } from '../src/conformance/log-store-conformance.ts';
import { logStoreConformance } from '../src/conformance/log-store-conformance.ts';
import { snapshotStoreConformance } from '../src/conformance/snapshot-store-conformance.ts';
import { stateMachineConformance } from '../src/conformance/state-machine-conformance.ts';
import type { LogBatch, LogStore, StateMachine } from '../src/contracts.ts';
import { HardStateFile } from '../src/hard-state-file.ts';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';
import { CrashDisk } from './crash-disk.ts';
import { newLog, openLog, owner } from './fixtures.ts';
import { openSnapshots } from './snapshot-fixtures.ts';

/** Small, so that the log goes over several files; what fits in no file is not tried here. */
const segmentBytes = 512 * 1024;

const create = (): KeyValueStateMachine =>
  new KeyValueStateMachine({ readHistoryId: () => 'ab'.repeat(16) });

describe('the state machine in memory', () => {
  it.each(stateMachineConformance(create))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('the directory of snapshots', () => {
  const place = (): { open: () => ReturnType<typeof openSnapshots> } => {
    const disk = new CrashDisk();
    return { open: () => openSnapshots(disk) };
  };
  it.each(snapshotStoreConformance(place))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('is found when it forgets at a restart', async () => {
    const forgetful = { open: () => openSnapshots(new CrashDisk()) };
    const failed: string[] = [];
    for (const { name, run } of snapshotStoreConformance(() => forgetful)) {
      await run().catch(() => failed.push(name));
    }
    expect(failed).toHaveLength(3);
  });
});

describe('the log in segments', () => {
  const place = (): LogPlace => {
    const disk = new CrashDisk();
    let isNew = true;
    const open = async (): ReturnType<LogPlace['open']> => {
      const opened = isNew
        ? await newLog(disk, { segmentBytes })
        : await openLog(disk, { segmentBytes });
      isNew = false;
      return opened;
    };
    return { open };
  };
  it.each(logStoreConformance(place))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  const bugs: readonly [string, (log: LogStore) => Partial<LogStore>][] = [
    ['takes writes and keeps none', () => ({ append: async () => undefined })],
    ['keeps what it should remove', (log) => ({ append: keepingAll(log) })],
    ['reads one entry too few', (log) => ({ read: readingLess(log) })],
    ['ignores how much may be read', (log) => ({ read: (from, to) => log.read(from, to, 1e9) })],
    ['loses the commit index', (log) => ({ append: (batch) => log.append(uncommitted(batch)) })],
  ];
  it.each(bugs)('is told from one that %s', async (_, change) => {
    const broken = (): LogPlace => {
      const sound = place();
      const open = async (): ReturnType<LogPlace['open']> => {
        const { log, recovered } = await sound.open();
        return { log: changed(log, change(log)), recovered };
      };
      return { open };
    };
    expect(await failuresOf(logStoreConformance(broken))).not.toEqual([]);
  });

  it('is told from one that forgets at a restart', async () => {
    const forgetful = (): LogPlace => ({ open: () => newLog(new CrashDisk(), { segmentBytes }) });
    expect((await failuresOf(logStoreConformance(forgetful))).length).toBeGreaterThan(10);
  });
});

function keepingAll(log: LogStore): LogStore['append'] {
  return async (batch) => {
    if (batch.truncateFrom === undefined) await log.append(batch);
  };
}

function readingLess(log: LogStore): LogStore['read'] {
  return async (...range) => {
    const entries = await log.read(...range);
    return entries.length > 1 ? entries.slice(1) : entries;
  };
}

function uncommitted(batch: LogBatch): LogBatch {
  return batch.reset === undefined ? { ...batch, commitIndex: 0 } : batch;
}

async function failuresOf(cases: readonly ConformanceCase[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of cases) await run().catch(() => failed.push(name));
  return failed;
}

describe('the file of the hard state', () => {
  const place = (): HardStatePlace => {
    const disk = new CrashDisk();
    const options = { disk, directory: '/data', owner, logger: silentLogger };
    let isNew = true;
    const open = async (): ReturnType<HardStatePlace['open']> => {
      if (isNew) {
        await disk.makeDirectory('/data');
        await HardStateFile.create(options);
      }
      isNew = false;
      return HardStateFile.open(options);
    };
    return { open };
  };
  it.each(hardStateStoreConformance(place))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  const bugs: readonly [string, (state: HardState) => HardState][] = [
    ['forgets votes', (state) => ({ ...state, votedFor: null })],
    ['forgets the stickiness', (state) => ({ ...state, stickinessMs: 0 })],
    ['keeps 32 bits of a term', (state) => ({ ...state, term: state.term % 2 ** 32 })],
  ];
  it.each(bugs)('is told from one that %s', async (_, change) => {
    const broken = (): HardStatePlace => {
      const sound = place();
      const open = async (): ReturnType<HardStatePlace['open']> => {
        const { store, recovered } = await sound.open();
        const write = (state: HardState): Promise<void> => store.write(change(state));
        return { store: changed(store, { write }), recovered };
      };
      return { open };
    };
    expect(await failuresOf(hardStateStoreConformance(broken))).not.toEqual([]);
  });
});

/** The same, but for what is told. */
function changed<T extends object>(whole: T, changes: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      if (name in changes) return changes[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A machine that does one thing differently. */
function broken(change: (machine: KeyValueStateMachine) => Partial<StateMachine>): StateMachine {
  const machine = create();
  return changed<StateMachine>(machine, change(machine));
}

describe('the conformance of state machines', () => {
  const bugs: readonly [string, (machine: KeyValueStateMachine) => Partial<StateMachine>][] = [
    ['reads in another order', (machine) => ({ get: (keys) => machine.get(keys).reverse() })],
    ['loses results', () => ({ apply: () => ({ results: [], events: [] }) })],
    ['has the hash of nothing', () => ({ stateHash: () => '0'.repeat(16) })],
    ['loads nothing', () => ({ load: async () => undefined })],
    [
      'shows in a view what came later',
      (machine) => ({
        view: () => {
          const appliedIndex = machine.appliedIndex;
          const sections = () => machine.view().sections();
          return { appliedIndex, sections, release: () => undefined };
        },
      }),
    ],
  ];
  it.each(bugs)('finds one that %s', async (_, change) => {
    const failures: string[] = [];
    for (const { name, run } of stateMachineConformance(() => broken(change))) {
      await run().catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
    }
    expect(failures).not.toEqual([]);
  });

  it('says what was found and what was expected', () => {
    expect(() => mustEqual([Buffer.from('a')], ['b'], 'a read')).toThrow(
      'a read: found ["a"], expected ["b"]',
    );
  });
});
