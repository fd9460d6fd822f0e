import type { Operation } from './operation.ts';
import { shortestPart } from './shortest-part.ts';
import { Shrinking } from './shrinking.ts';

/**
 * A part of a history without an order that has none by itself, and would have none with more of
 * the history either: no answer that counts in it rests on a write that is left out. It is the
 * shortest of those that hold the first answer which nothing explains; or, if `shortestPart` comes
 * to no end, one out of which no single operation can be left, as far as `Shrinking` can tell.
 */
export function offendingPart(
  history: readonly Operation[],
  failedAt: Operation,
): readonly Operation[] {
  const shrinking = new Shrinking(history, failedAt);
  const shortest = shortestPart([...shrinking.part.keys()], failedAt, shrinking.authors);
  if (shortest !== undefined) return shortest;
  shrinking.run();
  return [...shrinking.part.keys()];
}
