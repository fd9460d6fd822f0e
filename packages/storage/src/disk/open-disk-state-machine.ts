import type { StateMachine, StateMachineContext } from '../contracts.ts';
import { KeyValueStateMachine } from '../key-value-state-machine.ts';
import { rebuildAdvice, StorageDamage, UnsupportedFormat } from '../storage-errors.ts';
import { DiskBackend } from './disk-backend.ts';
import { markKey } from './disk-keys.ts';
import type { DiskMark } from './disk-mark.ts';
import { decodeMark } from './disk-mark.ts';
import type { OrderedStore } from './ordered-store.ts';
import { StoreAccess } from './store-access.ts';

/** Files of the state that another data directory wrote. */
export class ForeignState extends Error {
  override readonly name = 'ForeignState';
  readonly directory: string;

  constructor(directory: string) {
    super(
      `the state in ${directory} belongs to another data directory: remove ${directory}, and ` +
        'this member builds it again from its snapshot and log.',
    );
    this.directory = directory;
  }
}

/** d-engine's own commands over an ordered store, which belongs to the machine from here on. */
export async function openDiskStateMachine(
  store: OrderedStore,
  context: StateMachineContext,
): Promise<StateMachine> {
  const access = new StoreAccess(store);
  const { owner, onDurable, onFailure, readHistoryId, onEntryApplied } = context;
  try {
    const mark = readMark(store);
    if (mark !== undefined && mark.owner !== owner) throw new ForeignState(store.directory);
    const generation = mark?.generation ?? 0;
    // What a load that did not finish left behind.
    access.clean(generation).catch(onFailure);
    const options = { access, owner, onDurable, onFailure };
    const backend = new DiskBackend(options, generation, mark?.state);
    return new KeyValueStateMachine({
      readHistoryId,
      onEntryApplied,
      backend,
      collectEvents: true,
    });
  } catch (error) {
    await access.close();
    throw error;
  }
}

function readMark(store: OrderedStore): DiskMark | undefined {
  const stored = store.get(markKey);
  if (stored === undefined) return undefined;
  const decoded = decodeMark(stored);
  switch (decoded.type) {
    case 'mark':
      return decoded.mark;
    case 'unknownVersion':
      throw new UnsupportedFormat(store.directory, decoded.version);
    case 'damaged':
      throw new StorageDamage({
        file: `the state in ${store.directory}`,
        offset: 0,
        reason: 'the record that says what it holds is not what was written',
        advice: rebuildAdvice,
      });
  }
}
