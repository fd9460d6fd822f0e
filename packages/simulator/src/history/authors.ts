import type { Command, Operation, Value } from './operation.ts';
import { mayHaveWritten, sawSomethingUnnamed, valuesLeft, valuesSeen } from './unseen-writes.ts';

/**
 * Some operations of a history, each with as much of it as counts: all, or only that it wrote, and
 * not what it had to find there (`writeAlone`). What has an order has one with less as well.
 */
export type Part = ReadonlyMap<Operation, Operation>;

/**
 * Which writes of a key's history the answers of a part of it may rest on. A part is a
 * contradiction of its own only if it has them all: else one that is left out may be what explains
 * it. If nobody in a part can have seen what is left out, then whoever orders more of the history
 * has ordered the part: take the rest away, and everybody still sees what they saw.
 */
export class Authors {
  readonly #writers: readonly Operation[];
  readonly #ofObserver = new Map<Operation, readonly Operation[]>();

  constructor(history: readonly Operation[]) {
    this.#writers = history.filter(mayHaveWritten);
  }

  /**
   * What the part lacks to be a contradiction of its own: any one of these operations, for a start.
   * Undefined: nothing.
   */
  lackingIn(part: Part): readonly Operation[] | undefined {
    const nowhere = this.nowhere(part);
    if (nowhere !== undefined) return nowhere;
    for (const { author, observer } of this.#leftOut(part)) {
      const overwrites = this.#writers.filter((write) => isBetween(author, write, observer));
      return [author, ...overwrites];
    }
    return undefined;
  }

  /**
   * Writes of which the part has none, and should have one: somebody in it saw what they left. It
   * would be a contradiction, but look like a value from nowhere.
   */
  nowhere(part: Part): readonly Operation[] | undefined {
    for (const observer of part.values()) {
      if (!sawSomething(observer)) continue;
      const authors = this.#authorsOf(observer);
      if (authors.length > 0 && !authors.some((each) => part.has(each))) return authors;
    }
    return undefined;
  }

  /** Writes that are not in the part though somebody in it may have seen what they left. */
  leftOut(part: Part): readonly Operation[] {
    return [...new Set([...this.#leftOut(part)].map(({ author }) => author))];
  }

  *#leftOut(part: Part): Generator<{ author: Operation; observer: Operation }> {
    const overwrittenAtMs = overwritesOf(part.keys());
    for (const observer of part.values()) {
      for (const author of this.#authorsOf(observer)) {
        if (part.has(author) || overwrittenAtMs(author) < observer.invokedAtMs) continue;
        yield { author, observer };
      }
    }
  }

  /** All that left what the observer saw and were called before it had ended. */
  #authorsOf(observer: Operation): readonly Operation[] {
    const known = this.#ofObserver.get(observer);
    if (known !== undefined) return known;
    const authors = this.#writers.filter(
      (writer) =>
        writer !== observer &&
        writer.invokedAtMs <= observer.settledAtMs &&
        valuesLeft(writer).some((value) => maySee(observer, value)),
    );
    this.#ofObserver.set(observer, authors);
    return authors;
  }
}

/** Whether it was answered with something about what it found; else it fits everywhere. */
export function isObserver(operation: Operation): boolean {
  return valuesSeen(operation).length > 0 || sawSomethingUnnamed(operation);
}

/** What is left of a write that had to find something if that does not count; else undefined. */
export function writeAlone(operation: Operation): Operation | undefined {
  const { outcome } = operation;
  if (!mayHaveWritten(operation) || !(isObserver(operation) || isLostSwap(operation))) {
    return undefined;
  }
  const [value] = valuesLeft(operation);
  const alone: Command = typeof value === 'string' ? { type: 'put', value } : { type: 'delete' };
  if (outcome.type !== 'answered') return { ...operation, command: alone };
  const { revision } = outcome.answer;
  const answer = { type: alone.type, ...(revision === undefined ? {} : { revision }) };
  return { ...operation, command: alone, outcome: { type: 'answered', answer } };
}

function isLostSwap({ command, outcome }: Operation): boolean {
  return command.type === 'compareAndSwap' && outcome.type === 'unknown';
}

/** Of a value that was there, and not only of one that was not, or of none at all. */
function sawSomething(operation: Operation): boolean {
  if (operation.command.type === 'delete') return sawSomethingUnnamed(operation);
  return valuesSeen(operation).some((value) => value !== null);
}

function maySee(operation: Operation, value: Value): boolean {
  const { command, outcome } = operation;
  if (command.type === 'compareAndSwap') {
    // To take effect it must have met that, if it did.
    if (outcome.type === 'unknown') return value === command.expected;
    if (sawSomethingUnnamed(operation)) return value !== command.expected;
  }
  if (sawSomethingUnnamed(operation)) return value !== null;
  return valuesSeen(operation).includes(value);
}

function hasWritten(operation: Operation): boolean {
  return operation.outcome.type === 'answered' && mayHaveWritten(operation);
}

/** Whether the observer surely came when that had replaced what the author left. */
function isBetween(author: Operation, write: Operation, observer: Operation): boolean {
  if (write.invokedAtMs <= author.settledAtMs || !hasWritten(write)) return false;
  return write.settledAtMs < observer.invokedAtMs;
}

/** When, at the latest, something surely called after a write had replaced what it left. */
function overwritesOf(operations: Iterable<Operation>): (write: Operation) => number {
  const byCall = [...operations]
    .filter(hasWritten)
    .sort((one, other) => other.invokedAtMs - one.invokedAtMs);
  let earliestMs = Infinity;
  const earliestFrom = byCall.map(({ invokedAtMs, settledAtMs }) => {
    earliestMs = Math.min(earliestMs, settledAtMs);
    return { invokedAtMs, earliestMs };
  });
  return (write) =>
    earliestFrom.findLast(({ invokedAtMs }) => invokedAtMs > write.settledAtMs)?.earliestMs ??
    Infinity;
}
