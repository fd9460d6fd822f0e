import { DynamicTable } from './dynamic-table.ts';
import { fieldBytes } from './header-list.ts';
import { staticFieldCount } from './static-table.ts';

/** The dynamic fields of one name, by the numbers that all fields get as they are added. */
interface NamedFields {
  readonly numbers: Map<string, number>;
  newest: number;
}

/** The dynamic table of an encoder, with a way from a field to its index. */
export class EncoderTable {
  readonly #table: DynamicTable;
  /** Exactly the names that are in the table. */
  readonly #names = new Map<string, NamedFields>();
  /** Fields that were ever added; the number of the newest. */
  #added = 0;

  constructor(maxBytes: number) {
    this.#table = new DynamicTable(maxBytes);
  }

  get maxBytes(): number {
    return this.#table.maxBytes;
  }

  get version(): number {
    return this.#table.version;
  }

  /** The index of the field in the joint address space (RFC 7541, 2.3.3); 0: not in the table. */
  indexOf(name: string, value: string): number {
    const number = this.#names.get(name)?.numbers.get(value);
    return number === undefined ? 0 : this.#indexOfNumber(number);
  }

  /** An index with this name and any value; 0: none. */
  indexOfName(name: string): number {
    const named = this.#names.get(name);
    return named === undefined ? 0 : this.#indexOfNumber(named.newest);
  }

  #indexOfNumber(number: number): number {
    return staticFieldCount + 1 + this.#added - number;
  }

  /** Of a field that is not in the table and fits it. */
  add(name: string, value: string): void {
    this.#shrinkTo(this.#table.maxBytes - fieldBytes(name, value));
    this.#table.add(name, value);
    const number = ++this.#added;
    const named = this.#names.get(name);
    if (named === undefined) {
      this.#names.set(name, { numbers: new Map([[value, number]]), newest: number });
    } else {
      named.numbers.set(value, number);
      named.newest = number;
    }
  }

  resize(maxBytes: number): void {
    this.#shrinkTo(maxBytes);
    this.#table.resize(maxBytes);
  }

  #shrinkTo(bytes: number): void {
    while (this.#table.sizeBytes > bytes) {
      const oldest = this.#table.count - 1;
      this.#forget(this.#table.nameAt(oldest), this.#table.valueAt(oldest));
      this.#table.removeOldest();
    }
  }

  /** Fields leave in the order in which they came, so the newest of a name leaves last. */
  #forget(name: string, value: string): void {
    const named = this.#names.get(name);
    named?.numbers.delete(value);
    if (named?.numbers.size === 0) this.#names.delete(name);
  }
}
