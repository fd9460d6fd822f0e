import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StateMachine, StateMachineContext } from 'd-engine/storage';
import {
  encodeEntries,
  encodeWriteCommand,
  entryKinds,
  orderedStoreConformance,
  stateMachineConformance,
} from 'd-engine/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLmdbStateMachine } from '../src/index.ts';
import { LmdbStore } from '../src/lmdb-store.ts';

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'd-engine-lmdb-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const contextOf = (changes: Partial<StateMachineContext> = {}): StateMachineContext => ({
  directory: newDirectory(),
  owner: '0f'.repeat(16),
  readHistoryId: () => 'ab'.repeat(16),
  onDurable: () => undefined,
  onFailure: (error) => {
    throw error;
  },
  ...changes,
});

/** Puts of as many keys, one entry each. */
function put(machine: StateMachine, count: number, value: string): void {
  const proposals = Array.from({ length: count }, (_, number) => {
    const command = { key: Buffer.from(`key-${number}`), value: Buffer.from(value), ttlMs: 0 };
    return { kind: entryKinds.command, payload: encodeWriteCommand({ type: 'put', ...command }) };
  });
  machine.apply(encodeEntries(proposals, machine.appliedIndex + 1, 1, 0));
}

async function durable(machine: StateMachine, index: number): Promise<void> {
  machine.logDurable(index);
  while (machine.durableIndex < index) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('LMDB as an ordered store', () => {
  const place = (): { open: () => Promise<LmdbStore> } => {
    const directory = newDirectory();
    return { open: () => LmdbStore.open(directory) };
  };
  it.each(orderedStoreConformance(place))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('the state machine on LMDB', () => {
  const create = async (): Promise<StateMachine> => {
    const machine = await openLmdbStateMachine(contextOf());
    onTestFinished(() => machine.close());
    return machine;
  };
  it.each(stateMachineConformance(create))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it('goes on after a stop with what the log held, and no more', async () => {
    const context = contextOf();
    const first = await openLmdbStateMachine(context);
    put(first, 1000, 'first');
    await durable(first, 1000);
    const hash = first.stateHash();
    put(first, 10, 'second');
    await first.close();
    const second = await openLmdbStateMachine(context);
    onTestFinished(() => second.close());
    expect([second.appliedIndex, second.appliedTerm, second.keyCount]).toEqual([1000, 1, 1000]);
    expect(second.stateHash()).toBe(hash);
    const [found] = second.get([Buffer.from('key-7')]);
    expect(Buffer.from(found?.value ?? []).toString()).toBe('first');
  });

  it('refuses what another data directory wrote, and says what to do', async () => {
    const context = contextOf();
    const first = await openLmdbStateMachine(context);
    put(first, 1, 'value');
    await durable(first, 1);
    await first.close();
    const other = openLmdbStateMachine({ ...context, owner: 'ee'.repeat(16) });
    await expect(other).rejects.toThrow(`remove ${context.directory}`);
  });

  it('refuses a file that is not LMDB at all, and says what to do', async () => {
    const context = contextOf();
    writeFileSync(join(context.directory, 'state.lmdb'), 'no data of LMDB'.repeat(1000));
    const advice = 'remove this directory: the state is made again';
    await expect(openLmdbStateMachine(context)).rejects.toThrow(advice);
  });

  it('refuses a directory that is none', async () => {
    const directory = join(newDirectory(), 'file');
    writeFileSync(directory, '');
    await expect(openLmdbStateMachine(contextOf({ directory }))).rejects.toThrow(directory);
  });
});
