import type {
  OrderedStore,
  OrderedView,
  StoreChange,
  StoreEntry,
  StoreRange,
} from '../src/index.ts';

type Content = ReadonlyMap<string, Uint8Array>;

/** What stays of stores that are opened one after the other; a write holds all or nothing. */
export class MemoryStorePlace {
  #content: Content = new Map();
  #stores: MemoryOrderedStore[] = [];

  open(): Promise<MemoryOrderedStore> {
    const store = new MemoryOrderedStore(this);
    this.#stores.push(store);
    return Promise.resolve(store);
  }

  /** What an open store has not written yet is gone for good. */
  crash(): void {
    for (const store of this.#stores) store.die();
    this.#stores = [];
  }

  get content(): Content {
    return this.#content;
  }

  set content(content: Content) {
    this.#content = content;
  }
}

/** An ordered store as a library would make it, without a disk. */
export class MemoryOrderedStore implements OrderedStore {
  readonly directory = 'memory';
  readonly #place: MemoryStorePlace;
  #state: 'open' | 'writing' | 'dead' = 'open';
  /** Writes wait for this. */
  gate: Promise<void> = Promise.resolve();
  /** What the next write rejects with, without having written. */
  failure: Error | undefined;
  writeCount = 0;
  /** Further writes never end. */
  writeCountMax: number = Number.POSITIVE_INFINITY;

  constructor(place: MemoryStorePlace) {
    this.#place = place;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#place.content.get(nameOf(key));
  }

  walk(range: StoreRange): Iterable<StoreEntry> {
    return walk(this.#place.content, range);
  }

  view(): OrderedView {
    const { content } = this.#place;
    return { walk: (range) => walk(content, range), release: () => undefined };
  }

  async write(changes: readonly StoreChange[]): Promise<void> {
    const isOver = this.#isDead() || this.writeCount >= this.writeCountMax;
    if (isOver) return new Promise<void>(() => undefined);
    if (this.#state !== 'open') throw new Error(`a write while the store is ${this.#state}`);
    this.#state = 'writing';
    await this.gate;
    if (this.#isDead()) return new Promise<void>(() => undefined);
    this.#state = 'open';
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) return Promise.reject(failure);
    const content = new Map(this.#place.content);
    for (const { key, value } of changes) {
      if (value === null) content.delete(nameOf(key));
      else content.set(nameOf(key), Buffer.from(value));
    }
    this.#place.content = content;
    this.writeCount += 1;
    return undefined;
  }

  die(): void {
    this.#state = 'dead';
  }

  #isDead(): boolean {
    return this.#state === 'dead';
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function* walk(content: Content, { from, below, isFalling }: StoreRange): Generator<StoreEntry> {
  const names = [...content.keys()].filter((name) => name >= nameOf(from) && name < nameOf(below));
  names.sort();
  if (isFalling === true) names.reverse();
  for (const name of names) {
    yield { key: Buffer.from(name, 'latin1'), value: content.get(name) as Uint8Array };
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}
