import type { LogIndex } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { Configuration } from './configuration.ts';

interface Standing {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/**
 * The configurations of the log by the index of the entry that made each (design rule 13): the
 * newest one is in force from its append on, and a truncation brings back the one before it.
 */
export class Configurations {
  // Invariant: indexes rise.
  #standing: Standing[] = [];

  /** The newest one; undefined before the birth of the cluster. */
  get latest(): Configuration | undefined {
    return this.#standing.at(-1)?.configuration;
  }

  /** Of the entry that made the newest one; 0 without any. */
  get lastIndex(): LogIndex {
    return this.#standing.at(-1)?.index ?? 0;
  }

  get indexes(): readonly LogIndex[] {
    return this.#standing.map(({ index }) => index);
  }

  add(index: LogIndex, configuration: Configuration): void {
    assert(index > this.lastIndex, 'configurations come in order');
    this.#standing.push({ index, configuration });
  }

  /** What was in force as of `index`. */
  asOf(index: LogIndex): Standing | undefined {
    return this.#standing.findLast((standing) => standing.index <= index);
  }

  /** A snapshot takes the place of all that led to it. */
  reset(index: LogIndex, configuration: Configuration): void {
    this.#standing = [{ index, configuration }];
  }

  truncateFrom(index: LogIndex): void {
    this.#standing = this.#standing.filter((standing) => standing.index < index);
  }

  /** Nobody asks for what was in force before `index` any more. */
  compact(index: LogIndex): void {
    const first = this.asOf(index)?.index ?? 0;
    this.#standing = this.#standing.filter((standing) => standing.index >= first);
  }
}
