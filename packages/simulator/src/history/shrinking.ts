import type { Part } from './authors.ts';
import { Authors, writeAlone } from './authors.ts';
import { onlyObserves } from './key-state.ts';
import { checkKey } from './linearizability.ts';
import type { Operation } from './operation.ts';

/** A smaller search than the first, for parts of up to a thousand operations. */
const stepsMaxPerTry = 5_000;
const stepsMaxPerOperation = 5;
/** Over all tries: some seconds. */
const stepsMax = 500_000;

/**
 * Makes a part without an order smaller for as long as it still has none: what had happened until
 * the answer that nothing explains, less whatever is not needed for the contradiction.
 */
export class Shrinking {
  readonly authors: Authors;
  /** At first what had happened until the answer that nothing explains. */
  part: Part;
  #stepsLeft = stepsMax;

  constructor(history: readonly Operation[], failedAt: Operation) {
    const happened = history.filter(({ outcome }) => outcome.type !== 'refused');
    this.authors = new Authors(happened);
    this.part = new Map(happened.map((operation) => [operation, operation]));
    this.part = this.#without(happened.filter((each) => isAfter(each, failedAt)));
  }

  run(): void {
    for (let before: Part | undefined; before !== this.part && this.#stepsLeft > 0; ) {
      before = this.part;
      this.#inPieces((piece) => this.#without(piece));
      // What an answer says about what it found has to be explained in turn, unless it is ignored.
      this.#inPieces((piece) => this.#withLessOf(piece));
    }
  }

  /** Half of it at once, then smaller pieces, in the end single operations. */
  #inPieces(smallerBy: (piece: readonly Operation[]) => Part): void {
    for (let size = Math.max(1, this.part.size >> 1); ; size = Math.max(1, size >> 1)) {
      const before = this.part;
      const candidates = removable([...this.part.keys()]);
      for (let start = 0; start < candidates.length; start += size) {
        if (this.#stepsLeft <= 0) return;
        this.#take(smallerBy(candidates.slice(start, start + size)));
      }
      if (size === 1 && this.part === before) return;
    }
  }

  #take(smaller: Part): void {
    if (smaller === this.part) return;
    const stepsMaxNow = Math.max(stepsMaxPerTry, stepsMaxPerOperation * smaller.size);
    const verdict = checkKey([...smaller.values()], stepsMaxNow);
    this.#stepsLeft -= verdict.type === 'undecided' ? stepsMaxNow : smaller.size;
    if (verdict.type === 'notLinearizable') this.part = smaller;
  }

  #withLessOf(piece: readonly Operation[]): Part {
    const less = new Map(this.part);
    for (const operation of piece) {
      const alone = writeAlone(operation);
      if (alone !== undefined && less.get(operation) === operation) less.set(operation, alone);
    }
    return piece.some((each) => less.get(each) !== this.part.get(each)) ? less : this.part;
  }

  /** Without what can go of the piece: all of the part, if another write would be missed. */
  #without(piece: readonly Operation[]): Part {
    const removed = new Set(piece);
    for (;;) {
      const rest = new Map([...this.part].filter(([each]) => !removed.has(each)));
      const oneOf = this.authors.nowhere(rest)?.find((each) => removed.has(each));
      const missed = oneOf === undefined ? this.authors.leftOut(rest) : [oneOf];
      if (missed.length === 0) return rest.size === this.part.size ? this.part : rest;
      if (missed.some((each) => !removed.has(each))) return this.part;
      for (const each of missed) removed.delete(each);
    }
  }
}

/** Not needed for the answer: called after it, or a look at the key that was answered after it. */
function isAfter(operation: Operation, { settledAtMs }: Operation): boolean {
  if (operation.invokedAtMs > settledAtMs) return true;
  return operation.settledAtMs > settledAtMs && onlyObserves(operation);
}

/** Reads first, newest first: what is left is then the oldest contradiction. */
function removable(part: readonly Operation[]): readonly Operation[] {
  const rank = ({ command }: Operation): number => (command.type === 'read' ? 0 : 1);
  return [...part].sort(
    (one, other) => rank(one) - rank(other) || other.invokedAtMs - one.invokedAtMs,
  );
}
