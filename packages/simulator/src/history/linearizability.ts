import type { KeyState } from './key-state.ts';
import { absent, apply, stateName } from './key-state.ts';
import type { Operation } from './operation.ts';
import type { SearchPlan } from './search-plan.ts';
import { planSearch } from './search-plan.ts';

export type KeyVerdict =
  | { readonly type: 'linearizable' }
  /** There is no order for what had happened until this operation was answered. */
  | { readonly type: 'notLinearizable'; readonly failedAt: Operation }
  /** Too many orders to look at: neither proven nor refuted. */
  | { readonly type: 'undecided' };

/** One way in which everything up to now may have happened. */
interface Configuration {
  readonly state: KeyState;
  /** Pending operations that took effect already, as bits of their slots. */
  readonly done: bigint;
  /** Operations of unknown outcome that took effect, as bits of their indexes. */
  readonly used: bigint;
}

/** Enough for any history that a person could look at; some seconds. */
export const searchStepsMax = 2_000_000;

/**
 * Whether there is one order of a key's operations that explains every answer, each taking effect
 * between its call and its answer (Herlihy and Wing, 1990). Wing and Gong's search with Lowe's
 * improvements: all possible states of affairs are carried along in the order of the answers; an
 * operation is put in its place no sooner than when an answer demands it, and equal states of
 * affairs are one ("Testing for linearizability", 2017).
 */
export function checkKey(
  operations: readonly Operation[],
  stepsMax: number = searchStepsMax,
): KeyVerdict {
  const search = new Search(planSearch(operations), stepsMax);
  return search.run();
}

class Search {
  readonly #plan: SearchPlan;
  #stepsLeft: number;
  /** Called and not answered yet, by slot; a slot is free again after the answer. */
  readonly #pending: (Operation | undefined)[] = [];
  #configurations: Configuration[] = [{ state: absent, done: 0n, used: 0n }];

  constructor(plan: SearchPlan, stepsMax: number) {
    this.#plan = plan;
    this.#stepsLeft = stepsMax;
  }

  run(): KeyVerdict {
    const { answered } = this.#plan;
    const byAnswer = [...answered].sort((one, other) => one.settledAtMs - other.settledAtMs);
    let called = 0;
    for (const operation of byAnswer) {
      // Calls at the very time of an answer count as before it: at once is no order.
      for (; called < answered.length; called++) {
        const next = answered[called] as Operation;
        if (next.invokedAtMs > operation.settledAtMs) break;
        this.#call(next);
      }
      this.#answer(operation);
      if (this.#stepsLeft <= 0) return { type: 'undecided' };
      if (this.#configurations.length === 0) {
        return { type: 'notLinearizable', failedAt: operation };
      }
    }
    return { type: 'linearizable' };
  }

  #call(operation: Operation): void {
    const free = this.#pending.indexOf(undefined);
    if (free === -1) this.#pending.push(operation);
    else this.#pending[free] = operation;
  }

  /** From here on only what lets the operation take effect before its answer is possible. */
  #answer(operation: Operation): void {
    const slot = this.#pending.indexOf(operation);
    const bit = 1n << BigInt(slot);
    const next = new Frontier();
    for (const configuration of this.#configurations) {
      if ((configuration.done & bit) !== 0n) {
        next.add({ ...configuration, done: configuration.done & ~bit });
      } else this.#linearize(configuration, operation, bit, next);
    }
    this.#pending[slot] = undefined;
    this.#configurations = next.minimal();
  }

  /** Every way to get the operation done from here, with other pending ones before it or not. */
  #linearize(from: Configuration, operation: Operation, bit: bigint, next: Frontier): void {
    const seen = new Frontier();
    const open = [from];
    for (let configuration = open.pop(); configuration !== undefined; configuration = open.pop()) {
      this.#stepsLeft -= 1;
      if (this.#stepsLeft <= 0) return;
      const { state, done, used } = configuration;
      const after = apply(state, operation, operation.settledAtMs);
      for (const reached of after) next.add({ state: reached, done, used });
      // It changes nothing here, so whatever else is pending can as well come after it.
      if (after.length === 1 && after[0] === state) continue;
      for (const other of this.#others(configuration, bit, operation.settledAtMs)) {
        if (seen.add(other)) open.push(other);
      }
    }
  }

  /** One more pending or unknown operation done, by the time of the answer at hand. */
  *#others(from: Configuration, except: bigint, nowMs: number): Generator<Configuration> {
    const { state, done, used } = from;
    for (const [slot, operation] of this.#pending.entries()) {
      const bit = 1n << BigInt(slot);
      if (operation === undefined || bit === except || (done & bit) !== 0n) continue;
      for (const reached of apply(state, operation, nowMs)) {
        yield { state: reached, done: done | bit, used };
      }
    }
    const { unknown, twinBefore } = this.#plan;
    for (const [index, operation] of unknown.entries()) {
      if (operation.invokedAtMs > nowMs) return;
      const bit = 1n << BigInt(index);
      const twin = twinBefore[index] as number;
      if ((used & bit) !== 0n || (twin !== -1 && (used & (1n << BigInt(twin))) === 0n)) continue;
      for (const reached of apply(state, operation, nowMs)) {
        if (reached !== state) yield { state: reached, done, used: used | bit };
      }
    }
  }
}

/** Distinct ones; of two that differ in `used` alone, a subset can do all that the other can. */
class Frontier {
  readonly #byName = new Map<string, Configuration[]>();

  /** False when it, or a better one, is there already. */
  add(configuration: Configuration): boolean {
    const name = `${configuration.done} ${stateName(configuration.state)}`;
    const known = this.#byName.get(name);
    if (known === undefined) {
      this.#byName.set(name, [configuration]);
      return true;
    }
    const { used } = configuration;
    if (known.some((each) => (each.used & used) === each.used)) return false;
    known.push(configuration);
    return true;
  }

  minimal(): Configuration[] {
    return [...this.#byName.values()].flatMap((group) =>
      group.filter(
        ({ used }) =>
          !group.some((other) => other.used !== used && (other.used & used) === other.used),
      ),
    );
  }
}
