import { describe, expect, it } from 'vitest';
import { mustEqual } from '../src/conformance/conformance-case.ts';
import { snapshotStoreConformance } from '../src/conformance/snapshot-store-conformance.ts';
import { stateMachineConformance } from '../src/conformance/state-machine-conformance.ts';
import type { StateMachine } from '../src/contracts.ts';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';
import { CrashDisk } from './crash-disk.ts';
import { openSnapshots } from './snapshot-fixtures.ts';

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

/** A machine that does one thing differently. */
function broken(change: (machine: KeyValueStateMachine) => Partial<StateMachine>): StateMachine {
  const machine = create();
  const changes = change(machine);
  return new Proxy(machine, {
    get: (target, name) => {
      if (name in changes) return changes[name as keyof StateMachine];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
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
