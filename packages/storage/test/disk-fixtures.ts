import type { Entry, Proposal, SessionStamp, WriteCommand } from '@d-engine/base';
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

export const put = (key: string, value: string, ttlMs = 0): WriteCommand => ({
  type: 'put',
  key: Buffer.from(key, 'latin1'),
  value: Buffer.from(value, 'latin1'),
  ttlMs,
});

export const remove = (key: string): WriteCommand => ({
  type: 'delete',
  key: Buffer.from(key, 'latin1'),
});

export function proposalOf(command: WriteCommand, session?: SessionStamp): Proposal {
  return { kind: entryKinds.command, payload: encodeWriteCommand(command), session };
}

/** Ten milliseconds of cluster time for each entry before them. */
export function entriesOf(proposals: readonly Proposal[], first: number): readonly Entry[] {
  return encodeEntries(proposals, first, 3, first * 10);
}

export function applyAll(machine: StateMachine, ...commands: readonly WriteCommand[]): void {
  const proposals = commands.map((command) => proposalOf(command));
  machine.apply(entriesOf(proposals, machine.appliedIndex + 1));
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

/** Everything that a snapshot would hold of keys, sessions and leases, in an order of its own. */
export async function contentOf(machine: StateMachine): Promise<string[]> {
  const view = machine.view();
  const lines: string[] = [];
  for await (const section of view.sections()) {
    if (section.kind === snapshotSectionKinds.data) {
      for (const record of readRun(section.run)) lines.push(lineOf(record));
    } else if (section.kind === snapshotSectionKinds.leases) {
      lines.push(
        ...section.leases.map(({ id, ttlMs, expiresAtMs }) => {
          return lineOf({ id, ttlMs, expiresAtMs });
        }),
      );
    } else if (section.kind === snapshotSectionKinds.sessions) {
      // A result belongs to the session before it.
      let session = 0;
      for (const record of section.records) {
        if (record.type === 'session') session = record.id;
        lines.push(`of ${session} ${lineOf(record)}`);
      }
    }
  }
  view.release();
  return lines.sort();
}

function lineOf(record: object): string {
  return JSON.stringify(record, (_, value: unknown) => {
    return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  });
}

/** Lets whatever can go on without anybody's help do so. */
export async function rest(): Promise<void> {
  for (let round = 0; round < 5; round++) await new Promise<void>((next) => setImmediate(next));
}
