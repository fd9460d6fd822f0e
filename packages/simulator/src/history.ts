import type { Revision } from '@d-engine/base';
import type { Operation as Recorded } from './history/operation.ts';

/** What became of a write: whether it took effect. */
export type WriteOutcome = 'acknowledged' | 'refused' | 'unknown';

interface Operation {
  readonly key: string;
  /** Virtual time; the check trusts these, not any host's clock. */
  readonly invokedAtMs: number;
  readonly settledAtMs: number;
  readonly client: string;
}

/** A put, or a swap, to a value that no other write of the key has. */
export interface WriteOperation extends Operation {
  readonly type: 'write';
  readonly value: string;
  readonly outcome: WriteOutcome;
  /** Of an acknowledged write. */
  readonly revision: Revision | undefined;
}

/** What an answered operation saw: a read, or a swap, which tells what the key held before it. */
export interface ReadOperation extends Operation {
  readonly type: 'read';
  readonly consistency: 'linearizable' | 'lease' | 'swap';
  /** Undefined: the key was absent. */
  readonly value: string | undefined;
  /** Undefined when the key was absent or the operation does not tell. */
  readonly modRevision: Revision | undefined;
  /** Of the state that the read saw. */
  readonly revision: Revision;
}

export type HistoryEntry = WriteOperation | ReadOperation;

/** For as long as the register check stands in for the linearizability checker. */
export function registerEntries(operations: readonly Recorded[]): HistoryEntry[] {
  const deleted = new Set<string>();
  for (const { key, command } of operations) {
    const isDelete = command.type === 'delete';
    if (isDelete || (command.type === 'compareAndSwap' && command.value === null)) deleted.add(key);
  }
  const entries: HistoryEntry[] = [];
  for (const { key, client, command, invokedAtMs, settledAtMs, outcome } of operations) {
    if (deleted.has(key)) continue;
    const base = { key, client, invokedAtMs, settledAtMs };
    const answer = outcome.type === 'answered' ? outcome.answer : undefined;
    if (answer?.type === 'read' && command.type === 'read') {
      const { consistency } = command;
      const { value, modRevision, revision = 0 } = answer;
      if (consistency === 'eventual') continue;
      entries.push({
        ...base,
        type: 'read',
        consistency,
        value: value ?? undefined,
        modRevision,
        revision,
      });
    } else if ('value' in command && command.value !== null) {
      const acknowledged =
        answer !== undefined && !(answer.type === 'compareAndSwap' && !answer.succeeded);
      const state = acknowledged
        ? 'acknowledged'
        : outcome.type === 'unknown'
          ? 'unknown'
          : 'refused';
      const revision = acknowledged ? answer.revision : undefined;
      entries.push({ ...base, type: 'write', value: command.value, outcome: state, revision });
    }
  }
  return entries;
}
