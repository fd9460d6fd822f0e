import type { HeaderList } from '../hpack/header-list.ts';

const slots = 8;

/**
 * What header lists meant that came lately. Blocks that repeat are decoded to the very same list,
 * so comparing identities is enough, and a handful covers the calls of a connection.
 */
export class RecentLists<Meaning> {
  readonly #lists: (HeaderList | undefined)[] = new Array<undefined>(slots).fill(undefined);
  readonly #meanings: (Meaning | undefined)[] = new Array<undefined>(slots).fill(undefined);
  #next = 0;

  find(list: HeaderList): Meaning | undefined {
    for (let slot = 0; slot < slots; slot++) {
      if (this.#lists[slot] === list) return this.#meanings[slot];
    }
    return undefined;
  }

  put(list: HeaderList, meaning: Meaning): void {
    this.#lists[this.#next] = list;
    this.#meanings[this.#next] = meaning;
    this.#next = (this.#next + 1) % slots;
  }
}
