/** From a hash to the slots that have it: pairs of (hash, slot + 1), 0 being an empty place. */
interface Table {
  /** How many low bits of the hash all of its pairs share. */
  readonly depth: number;
  readonly pairs: Uint32Array;
  /** Of places, less one. */
  readonly mask: number;
  count: number;
}

const placesMin = 16;
/** A table that is full splits in two: growing never takes longer than moving so many pairs. */
const placesMax = 16_384;
/** Deeper than any spread of hashes needs: more of one hash than fit in a table make it longer. */
const depthMax = 16;

/**
 * Finds slots by the hash of their keys; the caller compares the keys. Tables are chosen by the
 * low bits of the hash, places in them by the high bits.
 */
export class HashIndex {
  /** 2^depth tables; several places of it may hold the same one. */
  #tables: Table[] = [newTable(0, placesMin)];
  /** The table that the next probe looks at, and its place there. */
  #probed: Table = this.#tables[0] as Table;
  #place = 0;
  #hash = 0;

  /** The first slot with this hash; -1: none. */
  first(hash: number): number {
    const tables = this.#tables;
    const table = tables[hash & (tables.length - 1)] as Table;
    this.#probed = table;
    this.#hash = hash >>> 0;
    this.#place = placeOf(hash, table);
    return this.#probe();
  }

  /** The next one after the last answer; nothing may have changed meanwhile. */
  next(): number {
    this.#place = (this.#place + 1) & this.#probed.mask;
    return this.#probe();
  }

  add(hash: number, slot: number): void {
    let table = this.#tableOf(hash);
    while (table.count * 4 >= (table.mask + 1) * 3) {
      this.#makeRoom(table, hash);
      table = this.#tableOf(hash);
    }
    insert(table, hash >>> 0, slot + 1);
  }

  /** Takes out what the last `first` or `next` answered. */
  removeProbed(): void {
    const { pairs, mask } = this.#probed;
    let hole = this.#place;
    // Whatever stands behind the hole and belongs before it moves up: no tombstones.
    for (let at = (hole + 1) & mask; pairs[at * 2 + 1] !== 0; at = (at + 1) & mask) {
      const home = placeOf(pairs[at * 2] as number, this.#probed);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      pairs[hole * 2] = pairs[at * 2] as number;
      pairs[hole * 2 + 1] = pairs[at * 2 + 1] as number;
      hole = at;
    }
    pairs[hole * 2 + 1] = 0;
    this.#probed.count -= 1;
  }

  #probe(): number {
    const { pairs, mask } = this.#probed;
    const hash = this.#hash;
    let place = this.#place;
    for (;;) {
      const slot = pairs[place * 2 + 1] as number;
      if (slot === 0) return -1;
      if (pairs[place * 2] === hash) {
        this.#place = place;
        return slot - 1;
      }
      place = (place + 1) & mask;
    }
  }

  #tableOf(hash: number): Table {
    return this.#tables[hash & (this.#tables.length - 1)] as Table;
  }

  #makeRoom(full: Table, hash: number): void {
    if (full.mask + 1 < placesMax || full.depth >= depthMax) {
      this.#replace(full, hash, refilled(full, full.depth, (full.mask + 1) * 2));
      return;
    }
    const bit = 2 ** full.depth;
    if (bit === this.#tables.length) this.#tables = [...this.#tables, ...this.#tables];
    const isHigh = (some: number): boolean => (some & bit) !== 0;
    const deeper = full.depth + 1;
    const low = refilled(full, deeper, placesMax, (some) => !isHigh(some));
    const high = refilled(full, deeper, placesMax, isHigh);
    this.#replace(low, hash & (bit - 1), low);
    this.#replace(high, (hash & (bit - 1)) | bit, high);
  }

  /** Puts `table` wherever hashes that end in its bits of `hash` look. */
  #replace(old: Table, hash: number, table: Table): void {
    const step = 2 ** old.depth;
    for (let at = hash & (step - 1); at < this.#tables.length; at += step) this.#tables[at] = table;
  }
}

function newTable(depth: number, places: number): Table {
  return { depth, pairs: new Uint32Array(places * 2), mask: places - 1, count: 0 };
}

function placeOf(hash: number, table: Table): number {
  return (hash >>> 12) & table.mask;
}

function refilled(
  from: Table,
  depth: number,
  places: number,
  chosen: (hash: number) => boolean = () => true,
): Table {
  const table = newTable(depth, places);
  for (let at = 0; at < from.pairs.length; at += 2) {
    const hash = from.pairs[at] as number;
    const slot = from.pairs[at + 1] as number;
    if (slot !== 0 && chosen(hash)) insert(table, hash, slot);
  }
  return table;
}

function insert(table: Table, hash: number, slot: number): void {
  const { pairs, mask } = table;
  let place = placeOf(hash, table);
  while (pairs[place * 2 + 1] !== 0) place = (place + 1) & mask;
  pairs[place * 2] = hash;
  pairs[place * 2 + 1] = slot;
  table.count += 1;
}
