import type { Entry, StateMachineContext } from 'd-engine/storage';
import { encodeEntries, encodeWriteCommand, entryKinds } from 'd-engine/storage';

export const contextAt = (directory: string, onDurable: () => void): StateMachineContext => ({
  directory,
  owner: '0f'.repeat(16),
  readHistoryId: () => 'ab'.repeat(16),
  onDurable,
  onFailure: (error) => {
    throw error;
  },
});

/** The same for an index wherever they are made: puts, and now and then a delete. */
export function entriesFrom(first: number, count: number): readonly Entry[] {
  const proposals = Array.from({ length: count }, (_, position) => {
    const index = first + position;
    const key = Buffer.from(`key-${(index * 7919) % 500}`);
    const command =
      index % 11 === 0
        ? ({ type: 'delete', key } as const)
        : ({ type: 'put', key, value: Buffer.alloc(index % 700, index), ttlMs: 0 } as const);
    return { kind: entryKinds.command, payload: encodeWriteCommand(command) };
  });
  return encodeEntries(proposals, first, 1, 0);
}
