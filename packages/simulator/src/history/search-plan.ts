import type { Operation } from './operation.ts';
import { withoutUnseen } from './unseen-writes.ts';

/** What a search over one key has to place, and what it may place. */
export interface SearchPlan {
  /** One for each answer, in the order of the answers. */
  readonly levels: readonly Level[];
  /** Of unknown outcome: each may take effect at any time after its call, or never. */
  readonly unknown: readonly Operation[];
  /**
   * For each unknown operation the last before it that is wholly alike, or -1. It is tried only
   * after that one, or equal searches would multiply.
   */
  readonly twinBefore: readonly number[];
}

/** An answer: its operation must have taken effect by then. */
export interface Level extends Slot {
  /** Called by then, and not answered yet. */
  readonly others: readonly Slot[];
  /** So many of the unknown operations were called by then. */
  readonly unknownCount: number;
}

/** A pending operation; after its answer another one has the bit. */
export interface Slot {
  readonly operation: Operation;
  readonly bit: bigint;
}

export function planSearch(operations: readonly Operation[]): SearchPlan {
  const answered = operations.filter(({ outcome }) => outcome.type === 'answered').sort(byCall);
  const open = operations.filter(
    ({ outcome, command }) => outcome.type === 'unknown' && command.type !== 'read',
  );
  const unknown = [...withoutUnseen(open, answered)].sort(byCall);
  return { levels: levelsOf(answered, unknown), unknown, twinBefore: twinsOf(unknown) };
}

function byCall(one: Operation, other: Operation): number {
  return one.invokedAtMs - other.invokedAtMs;
}

function levelsOf(answered: readonly Operation[], unknown: readonly Operation[]): Level[] {
  const pending: (Operation | undefined)[] = [];
  let called = 0;
  let unknownCount = 0;
  const byAnswer = [...answered].sort((one, other) => one.settledAtMs - other.settledAtMs);
  return byAnswer.map((operation) => {
    const nowMs = operation.settledAtMs;
    // Calls at the very time of an answer count as before it: at once is no order.
    const isCalled = (next: Operation | undefined): next is Operation =>
      next !== undefined && next.invokedAtMs <= nowMs;
    for (let next = answered[called]; isCalled(next); next = answered[called]) {
      const free = pending.indexOf(undefined);
      pending[free === -1 ? pending.length : free] = next;
      called += 1;
    }
    while (isCalled(unknown[unknownCount])) unknownCount += 1;
    const slot = pending.indexOf(operation);
    pending[slot] = undefined;
    const others = pending.flatMap((other, index) =>
      other === undefined ? [] : [{ operation: other, bit: 1n << BigInt(index) }],
    );
    return { operation, bit: 1n << BigInt(slot), others, unknownCount };
  });
}

/** Of two writes that leave the same, for as long, the one called earlier may do all. */
function twinsOf(unknown: readonly Operation[]): number[] {
  const lastOf = new Map<string, number>();
  return unknown.map((operation, index) => {
    const name = nameOf(operation);
    const twin = lastOf.get(name) ?? -1;
    lastOf.set(name, index);
    return twin;
  });
}

/**
 * What it asked for and when that may end: of two that end at different times each can do what the
 * other cannot, since the one that is not used up now is there for later.
 */
function nameOf({ command, invokedAtMs }: Operation): string {
  if (command.type !== 'put') return JSON.stringify(command);
  const mayVanishAtMs = command.ttlMs === undefined ? null : invokedAtMs + command.ttlMs;
  return JSON.stringify({ type: command.type, value: command.value, mayVanishAtMs });
}
