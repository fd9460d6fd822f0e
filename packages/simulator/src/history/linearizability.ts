import type { Configuration } from './frontier.ts';
import { Frontier } from './frontier.ts';
import { absent, apply, onlyObserves } from './key-state.ts';
import type { Operation } from './operation.ts';
import type { Level, SearchPlan } from './search-plan.ts';
import { planSearch } from './search-plan.ts';

export type KeyVerdict =
  | { readonly type: 'linearizable' }
  /** There is no order for what had happened until this operation was answered. */
  | { readonly type: 'notLinearizable'; readonly failedAt: Operation }
  /** Too many orders to look at: neither proven nor refuted. */
  | { readonly type: 'undecided' };

/** Enough for any history that a person could look at; some seconds. */
export const searchStepsMax = 1_000_000;

/**
 * Whether there is one order of a key's operations that explains every answer, each taking effect
 * between its call and its answer (Herlihy and Wing, 1990). Wing and Gong's search with Lowe's
 * improvements: an operation is put in its place no sooner than when an answer demands it, and a
 * state of affairs that was met before is not looked at again ("Testing for linearizability",
 * 2017). It goes deep first, and what may never have happened is tried last: a history that has an
 * order is soon explained, however many its operations of unknown outcome.
 */
export function checkKey(
  operations: readonly Operation[],
  stepsMax: number = searchStepsMax,
): KeyVerdict {
  const search = new Search(planSearch(operations), stepsMax);
  return search.run();
}

/** A configuration before the answer of a level. */
interface Open {
  readonly depth: number;
  readonly configuration: Configuration;
}

class Search {
  readonly #plan: SearchPlan;
  readonly #met: Frontier[] = [];
  /** The last is the next to be looked at. */
  readonly #open: Open[] = [];
  #stepsLeft: number;

  constructor(plan: SearchPlan, stepsMax: number) {
    this.#plan = plan;
    this.#stepsLeft = stepsMax;
  }

  run(): KeyVerdict {
    const { levels } = this.#plan;
    let deepest = 0;
    this.#meet(0, { state: absent, done: 0n, used: 0n });
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      const { depth, configuration } = next;
      const level = levels[depth];
      if (level === undefined) return { type: 'linearizable' };
      if (this.#stepsLeft <= 0) return { type: 'undecided' };
      deepest = Math.max(deepest, depth);
      if (this.#met[depth]?.isStillBest(configuration) === true) {
        this.#goOn(depth, level, configuration);
      }
    }
    const stuck = levels[deepest];
    if (stuck === undefined) return { type: 'linearizable' };
    return { type: 'notLinearizable', failedAt: stuck.operation };
  }

  #meet(depth: number, configuration: Configuration): void {
    this.#met[depth] ??= new Frontier();
    if (!this.#met[depth].add(configuration)) return;
    this.#stepsLeft -= 1;
    this.#open.push({ depth, configuration });
  }

  /** To where the operation is done, which is tried first, or something else before it. */
  #goOn(depth: number, level: Level, configuration: Configuration): void {
    const { operation, bit } = level;
    const { state, done, used } = configuration;
    if ((done & bit) !== 0n) {
      this.#meet(depth + 1, { state, done: done & ~bit, used });
      return;
    }
    const after = apply(state, operation, operation.settledAtMs);
    // It saw this and changes nothing ever, so whatever else is pending can as well come after it.
    const canBeNow = after.length === 1 && after[0] === state && onlyObserves(operation);
    if (!canBeNow) this.#tryOthers(depth, level, configuration);
    for (const reached of after) this.#meet(depth + 1, { state: reached, done, used });
  }

  /** One more unknown or pending operation done, by the time of the answer at hand. */
  #tryOthers(depth: number, level: Level, { state, done, used }: Configuration): void {
    const { unknown, twinBefore } = this.#plan;
    const nowMs = level.operation.settledAtMs;
    for (let index = level.unknownCount - 1; index >= 0; index--) {
      const bit = 1n << BigInt(index);
      const twin = twinBefore[index] as number;
      if ((used & bit) !== 0n || (twin !== -1 && (used & (1n << BigInt(twin))) === 0n)) continue;
      for (const reached of apply(state, unknown[index] as Operation, nowMs)) {
        if (reached !== state) this.#meet(depth, { state: reached, done, used: used | bit });
      }
    }
    for (const { operation, bit } of level.others) {
      if ((done & bit) !== 0n) continue;
      for (const reached of apply(state, operation, nowMs)) {
        this.#meet(depth, { state: reached, done: done | bit, used });
      }
    }
  }
}
