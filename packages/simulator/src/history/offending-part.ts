import { checkKey } from './linearizability.ts';
import type { Operation } from './operation.ts';
import { sawSomethingUnnamed, valuesLeft, valuesSeen } from './unseen-writes.ts';

/** A smaller search than the first: a part that takes long is no easy reading anyway. */
const stepsMaxPerTry = 5_000;
const triesMax = 1_000;

/**
 * The shortest part of a history without an order that still has none: what had happened until the
 * answer that nothing explains, less everything that is not needed for the contradiction: first
 * half of it at once, then smaller pieces, in the end single operations.
 */
export function offendingPart(
  operations: readonly Operation[],
  failedAt: Operation,
): readonly Operation[] {
  let part = until(operations, failedAt);
  let tries = 0;
  for (let size = Math.max(1, part.length >> 1); ; size = Math.max(1, size >> 1)) {
    const candidates = removable(part);
    const lengthBefore = part.length;
    for (let start = 0; start < candidates.length; start += size) {
      const rest = without(part, candidates.slice(start, start + size));
      if (rest.length === part.length) continue;
      tries += 1;
      if (tries > triesMax) return part;
      if (checkKey(rest, stepsMaxPerTry).type === 'notLinearizable') part = rest;
    }
    if (size === 1 && part.length === lengthBefore) return part;
  }
}

/** What was called by then: the search used nothing else. */
function until(operations: readonly Operation[], { settledAtMs }: Operation): readonly Operation[] {
  return operations.filter(
    ({ invokedAtMs, outcome }) => invokedAtMs <= settledAtMs && outcome.type !== 'refused',
  );
}

/** Reads first, newest first: what is left is then the oldest contradiction. */
function removable(part: readonly Operation[]): readonly Operation[] {
  const rank = ({ command }: Operation): number => (command.type === 'read' ? 0 : 1);
  return [...part].sort(
    (one, other) => rank(one) - rank(other) || other.invokedAtMs - one.invokedAtMs,
  );
}

/** A writer of a value that somebody saw stays: without it any read would look impossible. */
function without(part: readonly Operation[], piece: readonly Operation[]): readonly Operation[] {
  const removed = new Set(piece);
  for (;;) {
    const rest = part.filter((operation) => !removed.has(operation));
    const isNeeded = neededBy(rest);
    const needed = piece.find((operation) => removed.has(operation) && isNeeded(operation));
    if (needed === undefined) return rest;
    removed.delete(needed);
  }
}

function neededBy(rest: readonly Operation[]): (writer: Operation) => boolean {
  const seen = new Set(rest.flatMap(valuesSeen));
  const left = new Set(rest.flatMap(valuesLeft));
  const lacksAnything = rest.some(sawSomethingUnnamed) && !rest.some(leavesSomething);
  return (writer) =>
    (lacksAnything && leavesSomething(writer)) ||
    valuesLeft(writer).some((value) => seen.has(value) && !left.has(value));
}

function leavesSomething(operation: Operation): boolean {
  return valuesLeft(operation).some((value) => value !== null);
}
