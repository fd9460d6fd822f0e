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

/**
 * For as long as the register check stands in for the linearizability checker: a delete is a write
 * of a value that nobody reads, and a read of nothing tells nothing where there were deletes.
 */
export function registerEntries(operations: readonly Recorded[]): HistoryEntry[] {
  const withDeletes = new Set(operations.filter(mayDelete).map(({ key }) => key));
  return operations.flatMap((operation, index) => {
    const entries: HistoryEntry[] = [];
    const write = writeEntry(operation, `delete ${index}`);
    if (write !== undefined) entries.push(write);
    const read = readEntry(operation);
    const tells = read?.value !== undefined || !withDeletes.has(operation.key);
    if (read !== undefined && tells) entries.push(read);
    return entries;
  });
}

function mayDelete({ command }: Recorded): boolean {
  return command.type === 'delete' || (command.type === 'compareAndSwap' && command.value === null);
}

function baseOf({ key, client, invokedAtMs, settledAtMs }: Recorded) {
  return { key, client, invokedAtMs, settledAtMs };
}

function writeEntry(operation: Recorded, nothing: string): WriteOperation | undefined {
  const { command, outcome } = operation;
  if (command.type === 'read') return undefined;
  const value = command.type === 'delete' ? nothing : (command.value ?? nothing);
  const write = { ...baseOf(operation), type: 'write', value, revision: undefined } as const;
  if (outcome.type !== 'answered') return { ...write, outcome: outcome.type };
  const { answer } = outcome;
  if (answer.type === 'compareAndSwap' && !answer.succeeded)
    return { ...write, outcome: 'refused' };
  return { ...write, outcome: 'acknowledged', revision: answer.revision };
}

function readEntry(operation: Recorded): ReadOperation | undefined {
  const { command, outcome } = operation;
  if (outcome.type !== 'answered') return undefined;
  const { answer } = outcome;
  const read = { ...baseOf(operation), type: 'read', revision: answer.revision ?? 0 } as const;
  if (command.type === 'read' && answer.type === 'read') {
    const { consistency } = command;
    if (consistency === 'eventual') return undefined;
    const { value, modRevision } = answer;
    return { ...read, consistency, value: value ?? undefined, modRevision };
  }
  if (command.type !== 'compareAndSwap' || answer.type !== 'compareAndSwap') return undefined;
  const value = answer.succeeded ? command.expected : answer.current;
  return { ...read, consistency: 'swap', value: value ?? undefined, modRevision: undefined };
}
