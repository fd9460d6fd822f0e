import { foreignRanges } from './disk-keys.ts';
import type { OrderedStore, StoreChange, StoreRange } from './ordered-store.ts';

/** Keys that are removed in one write, beside those of the state that goes on. */
const removedKeysMax = 2_000;

/** One ordered store, shared by a state and the one that takes its place. */
export class StoreAccess {
  readonly store: OrderedStore;
  #lastWrite: Promise<void> = Promise.resolve();
  #cleaning: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(store: OrderedStore) {
    this.store = store;
  }

  /** One after the other, in the order of the calls. */
  write(changes: readonly StoreChange[]): Promise<void> {
    const written = this.#lastWrite.then(() => this.store.write(changes));
    // Whoever asked for a write hears of its failure; the next one is tried all the same.
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  /** Removes all keys but those of `generation`, a few at a time. */
  clean(generation: number): Promise<void> {
    this.#cleaning = this.#cleaning.then(async () => {
      for (const range of foreignRanges(generation)) await this.#removeAll(range);
    });
    return this.#cleaning;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#cleaning.catch(() => undefined);
    await this.#lastWrite;
    await this.store.close();
  }

  async #removeAll(range: StoreRange): Promise<void> {
    while (!this.#isClosing) {
      const changes: StoreChange[] = [];
      for (const { key } of this.store.walk(range)) {
        changes.push({ key: Buffer.from(key), value: null });
        if (changes.length === removedKeysMax) break;
      }
      if (changes.length === 0) return;
      await this.write(changes);
    }
  }
}
