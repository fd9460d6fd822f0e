import type { KeyState } from './key-state.ts';
import { stateName } from './key-state.ts';

/** One way in which everything up to now may have happened. */
export interface Configuration {
  readonly state: KeyState;
  /** Pending operations that took effect already, as bits of their slots. */
  readonly done: bigint;
  /** Operations of unknown outcome that took effect, as bits of their indexes. */
  readonly used: bigint;
}

/**
 * The distinct configurations met before an answer. Of two that differ in `used` alone, the one
 * that used less can go on in every way that the other can: only the best are kept.
 */
export class Frontier {
  readonly #byName = new Map<string, Configuration[]>();

  /** False when it, or a better one, is there already. */
  add(configuration: Configuration): boolean {
    const name = nameOf(configuration);
    const known = this.#byName.get(name);
    if (known === undefined) {
      this.#byName.set(name, [configuration]);
      return true;
    }
    const { used } = configuration;
    if (known.some((each) => (each.used & used) === each.used)) return false;
    const best = known.filter((each) => (each.used & used) !== used);
    this.#byName.set(name, [...best, configuration]);
    return true;
  }

  /** Whether nothing better was met since it was added. */
  isStillBest(configuration: Configuration): boolean {
    return this.#byName.get(nameOf(configuration))?.includes(configuration) === true;
  }
}

function nameOf({ done, state }: Configuration): string {
  return `${done} ${stateName(state)}`;
}
