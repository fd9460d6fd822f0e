import type { WriteCommand } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import { describe, expect, it } from 'vitest';
import { KeyValueStateMachine } from '../src/key-value-state-machine.ts';
import type { SnapshotHeader, StateSection } from '../src/snapshot-format.ts';
import { snapshotSectionKinds } from '../src/snapshot-format.ts';
import { readRun } from '../src/state/data-run.ts';

const historyId = 'ab'.repeat(16);
const bytes = (text: string): Buffer => Buffer.from(text);

function headerAt(index: number): SnapshotHeader {
  return { clusterId: 'c'.repeat(32), formedAtWallMs: 5, index, term: 1 };
}

function newMachine(): KeyValueStateMachine {
  return new KeyValueStateMachine({ readHistoryId: () => historyId });
}

function applyAll(machine: KeyValueStateMachine, commands: readonly WriteCommand[]): void {
  const proposals = commands.map((command) => ({
    kind: entryKinds.command,
    payload: encodeWriteCommand(command),
  }));
  machine.apply(encodeEntries(proposals, machine.appliedIndex + 1, 1, machine.appliedIndex));
}

const put = (key: string, value: string): WriteCommand => ({
  type: 'put',
  key: bytes(key),
  value: bytes(value),
  ttlMs: 0,
});

async function sectionsOf(machine: KeyValueStateMachine): Promise<StateSection[]> {
  const view = machine.view();
  const sections: StateSection[] = [];
  for await (const section of view.sections()) sections.push(section);
  view.release();
  return sections;
}

function pairsOf(sections: readonly StateSection[]): string[] {
  return sections.flatMap((section) =>
    section.kind === snapshotSectionKinds.data
      ? [...readRun(section.run)].map(({ key, value }) => `${String(key)}=${String(value)}`)
      : [],
  );
}

describe('a view', () => {
  it('shows the state of its moment, in rising key order', async () => {
    const machine = newMachine();
    applyAll(machine, [put('b', '1'), put('a', '2'), put('c', '3')]);
    const view = machine.view();
    applyAll(machine, [put('b', 'x'), put('aa', 'y'), { type: 'delete', key: bytes('c') }]);
    const sections: StateSection[] = [];
    for await (const section of view.sections()) sections.push(section);
    view.release();
    expect(view.appliedIndex).toBe(3);
    expect(pairsOf(sections)).toEqual(['a=2', 'b=1', 'c=3']);
    expect(pairsOf(await sectionsOf(machine))).toEqual(['a=2', 'aa=y', 'b=x']);
  });
});

describe('load', () => {
  it('makes the same state in another machine', async () => {
    const machine = newMachine();
    applyAll(machine, [put('b', '1'), put('a', '2'), put('b', '3')]);
    const loaded = newMachine();
    await loaded.load(headerAt(3), await sectionsOf(machine));
    expect(loaded.stateHash()).toBe(machine.stateHash());
    expect(loaded.stateBytes).toBe(machine.stateBytes);
    expect(loaded.get([bytes('a'), bytes('b')])).toEqual(machine.get([bytes('a'), bytes('b')]));
  });

  it('refuses a state with another hash and stays as it was', async () => {
    const machine = newMachine();
    applyAll(machine, [put('a', '1')]);
    const sections = await sectionsOf(machine);
    const other = newMachine();
    applyAll(other, [put('z', '9')]);
    const load = other.load(headerAt(2), sections);
    await expect(load).rejects.toThrow('its state has another hash');
    expect(pairsOf(await sectionsOf(other))).toEqual(['z=9']);
  });
});
