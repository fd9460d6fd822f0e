import { limits } from '@d-engine/base';
import type { OrderedStore, StoreChange, StoreRange } from '../disk/ordered-store.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { casesOf, mustEqual } from './conformance-case.ts';

/** One place on a disk where stores are opened, one after the other. */
export interface OrderedStorePlace {
  open(): Promise<OrderedStore>;
}

/** What every ordered store must do, as cases for any test runner. */
export function orderedStoreConformance(
  create: () => OrderedStorePlace | Promise<OrderedStorePlace>,
): ConformanceCase[] {
  return casesOf(create, [
    ['is empty at first', isEmpty],
    ['gives back what was written, changed and removed', givesBack],
    ['takes any bytes as keys and values, up to the largest', takesAnyBytes],
    ['keeps long keys that begin alike apart, and in order', keepsLongKeysApart],
    ['walks any range both ways, in byte order', walks],
    ['shows in a view the moment of its making, for as long as it takes', shows],
    ['shows what was written as soon as the write has resolved', showsAtOnce],
    ['has after a reopening what it had before', reopens],
  ]);
}

const text = (value: string): Buffer => Buffer.from(value, 'latin1');
/** Keys are two bytes or more; the first ones are the engine's own. */
const keyOf = (name: string): Buffer => text(`\x00k${name}`);
const everything: StoreRange = { from: text('\x00\x00'), below: text('\xff\xff') };

function put(name: string, value: string): StoreChange {
  return { key: keyOf(name), value: text(value) };
}

function remove(name: string): StoreChange {
  return { key: keyOf(name), value: null };
}

function namesIn(source: Pick<OrderedStore, 'walk'>, range: StoreRange): string[] {
  return Array.from(source.walk(range), ({ key }) => {
    return Buffer.from(key.slice(2)).toString('latin1');
  });
}

function textOf(store: OrderedStore, name: string): string | undefined {
  const found = store.get(keyOf(name));
  return found && Buffer.from(found.slice()).toString('latin1');
}

async function isEmpty(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  mustEqual(textOf(store, 'a'), undefined, 'a read of an empty store');
  mustEqual(namesIn(store, everything), [], 'a walk through an empty store');
  await store.write([]);
  await store.close();
}

async function givesBack(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  await store.write([put('a', '1'), put('b', '2'), put('c', '')]);
  await store.write([put('a', '3'), remove('b'), remove('never there')]);
  mustEqual(textOf(store, 'a'), '3', 'a key written twice');
  mustEqual(textOf(store, 'b'), undefined, 'a key that was removed');
  mustEqual(textOf(store, 'c'), '', 'an empty value');
  await store.write([put('b', '4'), remove('b'), put('b', '5')]);
  mustEqual(textOf(store, 'b'), '5', 'the last of several changes of a key in one write');
  await store.close();
}

async function takesAnyBytes(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  const names = ['', '\0', '\0\0', '\xff', '\xff\xfe', 'x'.repeat(limits.keyBytesMax)];
  const value = 'v'.repeat(limits.valueBytesMax);
  await store.write([...names.map((name) => put(name, name)), put('large', value)]);
  mustEqual(
    names.map((name) => textOf(store, name)),
    names,
    'keys of any bytes',
  );
  mustEqual(textOf(store, 'large') === value, true, 'whether the largest value came back');
  await store.close();
}

async function keepsLongKeysApart(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  const bases = [400, 1900, 1975, 1976, 1977, 2000, 4000].map((length) => 'k'.repeat(length));
  const names = [...bases.flatMap((base) => ['', '\0', 'a', 'z'].map((end) => base + end))].sort();
  await store.write([...names].reverse().map((name) => put(name, `${name.length}`)));
  mustEqual(namesIn(store, everything), names, 'the order of long keys');
  const odd = names.filter((_, position) => position % 2 === 1);
  await store.write(odd.map((name) => remove(name)));
  const left = names.filter((_, position) => position % 2 === 0);
  mustEqual(namesIn(store, everything), left, 'long keys that are left');
  mustEqual(
    left.map((name) => textOf(store, name)),
    left.map((name) => `${name.length}`),
    'their values',
  );
  for (const name of [left[3], left[7]]) {
    const from = keyOf(name ?? '');
    const rising = namesIn(store, { from, below: everything.below });
    mustEqual(
      rising,
      left.filter((each) => each >= (name ?? '')),
      'long keys from one on',
    );
    const falling = namesIn(store, { from: everything.from, below: from, isFalling: true });
    mustEqual(falling, left.filter((each) => each < (name ?? '')).reverse(), 'those below it');
  }
  await store.close();
}

async function walks(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  const names = ['', '\0', 'a', 'aa', 'b', 'b\0', 'c', '\x80', '\xff'];
  await store.write([...names].reverse().map((name) => put(name, name)));
  await store.write([{ key: text('\x01kother'), value: text('of another generation') }]);
  for (const [from, below] of [
    ['', 'b'],
    ['a', 'a'],
    ['a', 'b\0'],
    ['aaa', '\xff'],
    ['\0', '\xff\xff'],
  ] as const) {
    const range = { from: keyOf(from), below: keyOf(below) };
    const expected = names.filter((name) => name >= from && name < below);
    mustEqual(namesIn(store, range), expected, `from ${from} to ${below}`);
    const falling = namesIn(store, { ...range, isFalling: true });
    mustEqual(falling, [...expected].reverse(), `from ${below} down to ${from}`);
  }
  for (const { key } of store.walk(everything)) {
    mustEqual(key.length, 2, 'the length of the first key');
    break;
  }
  await store.close();
}

async function shows(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  await store.write([put('a', '1'), put('b', '2'), put('c', '3')]);
  const view = store.view();
  const walk = view.walk(everything)[Symbol.iterator]();
  const first = walk.next();
  mustEqual(first.done, false, 'whether a view has keys');
  await store.write([put('a', 'x'), remove('b'), put('bb', 'x'), remove('c')]);
  const rest: string[] = [];
  for (let step = walk.next(); step.done !== true; step = walk.next()) {
    rest.push(
      Buffer.concat([step.value.key.slice(2), step.value.value.slice()]).toString('latin1'),
    );
  }
  mustEqual(rest, ['b2', 'c3'], 'what a view shows after later writes');
  view.release();
  mustEqual(namesIn(store, everything), ['a', 'bb'], 'what the store holds by then');
  await store.close();
}

async function showsAtOnce(place: OrderedStorePlace): Promise<void> {
  const store = await place.open();
  for (let round = 0; round < 20; round++) {
    const before = round === 0 ? undefined : `${round - 1}`;
    mustEqual(textOf(store, 'a'), before, 'a read before a write');
    const written = store.write([put('a', `${round}`)]).then(() => textOf(store, 'a'));
    mustEqual(await written, `${round}`, 'a read right after a write');
  }
  await store.close();
}

async function reopens(place: OrderedStorePlace): Promise<void> {
  const first = await place.open();
  await first.write([put('a', '1'), put('b', '2')]);
  await first.write([remove('b'), put('x'.repeat(5000), 'long')]);
  await first.close();
  const second = await place.open();
  mustEqual(namesIn(second, everything), ['a', 'x'.repeat(5000)], 'the keys after a reopening');
  mustEqual(textOf(second, 'a'), '1', 'a value after a reopening');
  await second.close();
}
