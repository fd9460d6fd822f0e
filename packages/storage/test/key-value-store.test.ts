import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scaled } from '../../../tools/test-scale.ts';
import type { RecordMeta } from '../src/state/backend.ts';
import { readRun } from '../src/state/data-run.ts';
import { KeyValueStore } from '../src/state/key-value-store.ts';
import type { StoreView } from '../src/state/store-view.ts';

interface Expected {
  readonly value: string;
  readonly crc: number;
  readonly created: number;
  readonly revision: number;
  readonly version: number;
}

const meta = (created: number, revision: number, version: number): RecordMeta => ({
  createRevision: 2 ** 40 + created,
  modRevision: revision,
  version,
  // Every second write has a lifetime: records change their layout.
  expiresAt: revision % 2 === 0 ? 0 : 2 ** 40 + revision,
  lease: revision % 4 === 1 ? revision : 0,
  hashLow: -revision,
  hashHigh: revision,
});

/** A store and a plain map that should hold the same. */
class Pair {
  readonly store = new KeyValueStore();
  readonly model = new Map<string, Expected>();
  #revision = 0;

  put(name: string, value: string): void {
    const key = Buffer.from(name, 'latin1');
    const old = this.model.get(name);
    this.#revision += 1;
    const version = (old?.version ?? 0) + 1;
    const isThere = this.store.find(key);
    if (isThere !== (old !== undefined)) throw new Error(`${name} is there: ${isThere}`);
    const bytes = Buffer.from(value, 'latin1');
    const created = old?.created ?? this.#revision;
    const written = meta(created, this.#revision, version);
    if (isThere) this.store.update(key, bytes, written);
    else this.store.insert(key, bytes, written);
    const revision = this.#revision;
    this.model.set(name, { value, crc: crc32(bytes), created, revision, version });
  }

  remove(name: string): void {
    const key = Buffer.from(name, 'latin1');
    const isThere = this.store.find(key);
    if (isThere !== this.model.delete(name)) throw new Error(`${name} is there: ${isThere}`);
    if (isThere) this.store.remove(key);
  }

  /** What the model holds now, as `linesOf` shows it. */
  lines(): string[] {
    return [...this.model]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, { crc, revision, version }]) => `${name} ${crc} ${revision} ${version}`);
  }

  verify(): void {
    expect(this.store.keyCount).toBe(this.model.size);
    const { store } = this;
    this.#verifyOrder();
    for (const [name, { value, created, revision, version }] of this.model) {
      const key = Buffer.from(name, 'latin1');
      const bytes = Buffer.from(value, 'latin1');
      const read = store.read(key);
      const isRight =
        read?.value.length === bytes.length &&
        bytes.equals(read.value) &&
        bytes.equals(store.copyValue()) &&
        store.valueIs(bytes) &&
        !store.valueIs(Buffer.from(`${value}x`, 'latin1')) &&
        store.valueLength === bytes.length &&
        read.createRevision === 2 ** 40 + created &&
        read.modRevision === revision &&
        read.version === version &&
        (read.expiresAt ?? 0) === meta(created, revision, version).expiresAt &&
        (read.lease ?? 0) === meta(created, revision, version).lease &&
        store.expiresAt === meta(created, revision, version).expiresAt &&
        store.lease === meta(created, revision, version).lease &&
        store.createRevision === read.createRevision &&
        store.version === version &&
        store.hashLow === (-revision | 0) &&
        store.hashHigh === revision;
      if (!isRight) throw new Error(`${name} is not what was written`);
    }
    const view = this.store.view();
    expect(linesOf(view)).toEqual(this.lines());
    view.release();
  }

  /** Walked both ways from before, at, between and behind some of the keys. */
  #verifyOrder(): void {
    const { store } = this;
    const names = [...this.model.keys()].sort();
    const some = [0, 1, 2, 3, 4].map((part) => names[Math.floor((names.length * part) / 5)] ?? 'k');
    for (const bound of ['', '\xff\xff\xff\xff', ...some, ...some.map((name) => `${name}\0`)]) {
      const key = Buffer.from(bound, 'latin1');
      const rising = names.filter((name) => name >= bound);
      expect(this.#read(store.ascending(key))).toEqual(rising);
      const falling = names.filter((name) => name < bound).reverse();
      expect(this.#read(store.descending(key))).toEqual(falling);
    }
    expect(this.#read(store.descending(null))).toEqual(names.reverse());
  }

  /** The names of keys that were handed out selected. */
  #read(keys: Iterable<Uint8Array>): string[] {
    return Array.from(keys, (key) => {
      const name = Buffer.from(key).toString('latin1');
      const value = this.model.get(name)?.value;
      const isSelected = value !== undefined && this.store.valueIs(Buffer.from(value, 'latin1'));
      return isSelected ? name : `${name}, not selected`;
    });
  }
}

function linesOf(view: StoreView): string[] {
  return [...walk(view)].flat();
}

function* walk(view: StoreView): Generator<string[]> {
  for (const { keyCount, bytes } of view.runs()) {
    const lines = [...readRun(bytes)].map(({ key, value, modRevision, version }) => {
      const text = (some: Uint8Array): string => Buffer.from(some).toString('latin1');
      return `${text(key)} ${crc32(value)} ${modRevision} ${version}`;
    });
    expect(lines).toHaveLength(keyCount);
    yield lines;
  }
}

type Step =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'remove'; readonly key: string }
  | { readonly type: 'view' }
  /** Of the oldest view: one run more, all that is left, or none of it; then released. */
  | { readonly type: 'walk' | 'finish' | 'drop' };

const key = fc.oneof(
  fc.nat({ max: 300 }).map((number) => `key-${number}`),
  fc.string({ unit: fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 3 }),
);
/** Of few lengths, so that records are replaced in place, and some with a slab of their own. */
const value = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('', 'one', 'two', 'a'.repeat(100), 'b'.repeat(5000)) },
  { weight: 1, arbitrary: fc.constantFrom('c'.repeat(140_000), 'd'.repeat(200_000)) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('put' as const), key, value }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('remove' as const), key }) },
  { weight: 1, arbitrary: fc.constant({ type: 'view' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('walk' as const, 'walk', 'finish', 'drop') }),
  },
);

interface OpenView {
  readonly view: StoreView;
  readonly expected: readonly string[];
  readonly seen: string[];
  readonly walk: Generator<string[]>;
}

function runStep(pair: Pair, views: OpenView[], each: Step): void {
  const oldest = views[0];
  switch (each.type) {
    case 'put':
      return pair.put(each.key, each.value);
    case 'remove':
      return pair.remove(each.key);
    case 'view': {
      const view = pair.store.view();
      views.push({ view, expected: pair.lines(), seen: [], walk: walk(view) });
      return undefined;
    }
    case 'walk': {
      const next = oldest?.walk.next();
      if (next?.done === false) oldest?.seen.push(...next.value);
      return undefined;
    }
    default:
      if (oldest === undefined) return undefined;
      views.shift();
      if (each.type === 'finish') {
        for (const lines of oldest.walk) oldest.seen.push(...lines);
        expect(oldest.seen).toEqual(oldest.expected);
      }
      oldest.view.release();
      return undefined;
  }
}

describe('a store of keys and values', () => {
  it(
    'holds what a map holds, and its views what it held, whatever is written meanwhile',
    () => {
      fc.assert(
        fc.property(fc.array(step, { size: 'max', maxLength: 300 }), (steps) => {
          const pair = new Pair();
          const views: OpenView[] = [];
          for (const each of steps) runStep(pair, views, each);
          while (views.length > 0) runStep(pair, views, { type: 'finish' });
          pair.verify();
        }),
        { numRuns: scaled({ gate: 40, long: 3000 }) },
      );
    },
    scaled({ gate: 120_000, long: 3_600_000 }),
  );

  it('keeps many keys in order, come in any order, and gives them up again', () => {
    const count = 6000;
    const orders: readonly ((number: number) => number)[] = [
      (number) => number,
      (number) => count - 1 - number,
      (number) => (number * 7919) % count,
    ];
    for (const order of orders) {
      const pair = new Pair();
      const nameOf = (number: number): string => `k${String(order(number)).padStart(6, '0')}`;
      for (let number = 0; number < count; number++) pair.put(nameOf(number), 'v');
      const view = pair.store.view();
      const before = pair.lines();
      for (let number = 0; number < count; number += 1) {
        if (number % 100 !== 0) pair.remove(nameOf(number));
      }
      expect(linesOf(view)).toEqual(before);
      view.release();
      pair.verify();
      for (let number = 0; number < count; number += 100) pair.remove(nameOf(number));
      pair.verify();
    }
  });

  it('uses little more memory than is alive, whatever was written before', () => {
    const pair = new Pair();
    const count = 4000;
    const sizes = [100, 3000, 900, 1500];
    for (const [round, size] of [...sizes, ...sizes].entries()) {
      const view = round === 5 ? pair.store.view() : undefined;
      for (let number = 0; number < count; number++) {
        pair.put(`key-${(number * 7919) % count}`, 'x'.repeat(size + (number % 50)));
      }
      view?.release();
    }
    const alive = count * 1600;
    expect(pair.store.capacityBytes).toBeGreaterThan(alive);
    expect(pair.store.capacityBytes).toBeLessThan(alive * 1.4 + 2 ** 21);
    for (let number = 0; number < count; number++) {
      if (number % 50 !== 0) pair.remove(`key-${number}`);
    }
    expect(pair.store.capacityBytes).toBeLessThan(2 ** 22);
    pair.verify();
  });

  it('keeps for a view what it still needs and no more', () => {
    const pair = new Pair();
    const count = 10_000;
    const nameOf = (number: number): string => `key-${String(number).padStart(6, '0')}`;
    const write = (letter: string): void => {
      for (let number = 0; number < count; number++) pair.put(nameOf(number), letter.repeat(500));
    };
    write('a');
    const before = pair.lines();
    const plain = pair.store.capacityBytes;
    const view = pair.store.view();
    // Each of the old once beside each of the new, however often it is written.
    for (const letter of ['b', 'c', 'd']) write(letter);
    expect(pair.store.capacityBytes).toBeLessThan(plain * 2 + 2 ** 21);
    expect(linesOf(view)).toEqual(before);
    view.release();
    for (const letter of ['e', 'f']) write(letter);
    expect(pair.store.capacityBytes).toBeLessThan(plain * 1.2 + 2 ** 21);

    // What was walked is written in place.
    const second = pair.store.view();
    const walked = second.runs();
    for (let run = 0; run < 10; run++) walked.next();
    const capacity = pair.store.capacityBytes;
    for (let number = 0; number < 4000; number++) pair.put(nameOf(number), 'g'.repeat(500));
    expect(pair.store.capacityBytes).toBe(capacity);
    second.release();
    pair.verify();
  });

  it('lets a view be walked and released once', () => {
    const { store } = new Pair();
    store.insert(Buffer.from('k'), Buffer.from('v'), meta(1, 1, 1));
    const view = store.view();
    expect([...view.runs()]).toHaveLength(1);
    expect(() => [...view.runs()]).toThrow('walked once');
    view.release();
    expect(() => view.release()).toThrow('released once');
  });
});
