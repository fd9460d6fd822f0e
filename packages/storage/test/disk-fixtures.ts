import type { Entry, WriteCommand } from '@d-engine/base';
import { encodeEntries, encodeWriteCommand, entryKinds } from '@d-engine/base';
import type { SnapshotHeader, StateMachine, StateMachineContext } from '../src/index.ts';
import { openDiskStateMachine, snapshotSectionKinds } from '../src/index.ts';
import { readRun } from '../src/state/data-run.ts';
import type { MemoryOrderedStore, MemoryStorePlace } from './memory-ordered-store.ts';

export const owner: string = '0f'.repeat(16);

export const contextOf = (changes: Partial<StateMachineContext> = {}): StateMachineContext => ({
  directory: 'state',
  owner,
  readHistoryId: () => 'ab'.repeat(16),
  onDurable: () => undefined,
  onFailure: (error) => {
    throw error;
  },
  ...changes,
});

export interface Opened {
  readonly store: MemoryOrderedStore;
  readonly machine: StateMachine;
}

export async function openAt(
  place: MemoryStorePlace,
  changes: Partial<StateMachineContext> = {},
): Promise<Opened> {
  const store = await place.open();
  return { store, machine: await openDiskStateMachine(store, contextOf(changes)) };
}

export const put = (key: string, value: string): WriteCommand => ({
  type: 'put',
  key: Buffer.from(key, 'latin1'),
  value: Buffer.from(value, 'latin1'),
  ttlMs: 0,
});

export const remove = (key: string): WriteCommand => ({
  type: 'delete',
  key: Buffer.from(key, 'latin1'),
});

export function entriesOf(commands: readonly WriteCommand[], first: number): readonly Entry[] {
  const proposals = commands.map((command) => ({
    kind: entryKinds.command,
    payload: encodeWriteCommand(command),
  }));
  return encodeEntries(proposals, first, 3, first);
}

export function applyAll(machine: StateMachine, ...commands: readonly WriteCommand[]): void {
  machine.apply(entriesOf(commands, machine.appliedIndex + 1));
}

export const headerAt = (index: number): SnapshotHeader => ({
  clusterId: 'c'.repeat(32),
  formedAtWallMs: 5,
  index,
  term: 3,
});

export function textAt(machine: StateMachine, key: string): string | undefined {
  const [found] = machine.get([Buffer.from(key, 'latin1')]);
  return found ? Buffer.from(found.value).toString('latin1') : undefined;
}

/** Every key with its numbers and value, as a snapshot would hold them. */
export async function contentOf(machine: StateMachine): Promise<string[]> {
  const view = machine.view();
  const lines: string[] = [];
  for await (const section of view.sections()) {
    if (section.kind !== snapshotSectionKinds.data) continue;
    for (const { key, value, createRevision, modRevision, version } of readRun(section.run)) {
      const texts = [key, value].map((bytes) => Buffer.from(bytes).toString('latin1'));
      lines.push([...texts, createRevision, modRevision, version].join(' '));
    }
  }
  view.release();
  return lines;
}

/** Lets whatever can go on without anybody's help do so. */
export async function rest(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise<void>((next) => setImmediate(next));
}
