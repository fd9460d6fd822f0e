import { BlockWriter } from './block-writer.ts';
import { initialTableBytes } from './dynamic-table.ts';
import { EncoderTable } from './encoder-table.ts';
import { fieldBytes, type HeaderList } from './header-list.ts';
import type { IndexingRule } from './indexing-rule.ts';
import { knownNames, unknownName } from './known-names.ts';
import { hashOf, ListCache } from './list-cache.ts';
import { SeenFields } from './seen-fields.ts';

export interface HpackEncoderOptions {
  /** The memory that this side spends on its table, whatever the peer would let it use. */
  readonly maxTableBytes: number;
  /** Names, besides the usual ones, of fields whose values no table may ever hold. */
  readonly secretNames?: ReadonlySet<string>;
}

/** Encoding never waits, so one writer does for all connections. */
const writer = new BlockWriter();
const noNames: ReadonlySet<string> = new Set();

/** Turns fields into header blocks (RFC 7541). Every block has to be sent, in the same order. */
export class HpackEncoder {
  readonly #ownTableBytes: number;
  readonly #secretNames: ReadonlySet<string>;
  readonly #table = new EncoderTable(initialTableBytes);
  readonly #cache = new ListCache();
  readonly #seen = new SeenFields();
  /** The size that the next block has to announce, and the smallest since the last block. */
  #dueTableBytes: { readonly final: number; readonly smallest: number } | undefined;

  constructor(options: HpackEncoderOptions) {
    this.#ownTableBytes = options.maxTableBytes;
    this.#secretNames = options.secretNames ?? noNames;
    this.setMaxTableBytes(initialTableBytes);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE, from when this side acknowledges it. */
  setMaxTableBytes(bytes: number): void {
    const final = Math.min(bytes, this.#ownTableBytes);
    const due = this.#dueTableBytes;
    if (due === undefined && final === this.#table.maxBytes) return;
    // A table that was to shrink between two blocks has to, even if it may grow again at once.
    this.#dueTableBytes = { final, smallest: Math.min(final, due?.smallest ?? final) };
  }

  /** The bytes are never changed again, and the same ones may be handed out again. */
  encode(headers: HeaderList): Uint8Array {
    if (this.#dueTableBytes !== undefined) return this.#write(headers);
    const version = this.#table.version;
    const same = this.#cache.find(headers, version);
    if (same !== undefined) return same;
    const hash = hashOf(headers);
    const equal = this.#cache.findEqual(headers, hash, version);
    if (equal !== undefined) return equal;
    const seenVersion = this.#seen.version;
    const block = this.#write(headers);
    // Else the same list is written in another way the next time: shorter, with luck.
    if (this.#table.version === version && this.#seen.version === seenVersion) {
      this.#cache.put(headers, hash, version, block);
    }
    return block;
  }

  #write(headers: HeaderList): Uint8Array {
    writer.start();
    this.#writeSizeUpdates();
    for (let at = 0; at < headers.length; at += 2) {
      this.#writeField(headers[at] as string, headers[at + 1] as string);
    }
    return writer.finish();
  }

  #writeSizeUpdates(): void {
    if (this.#dueTableBytes === undefined) return;
    const { smallest, final } = this.#dueTableBytes;
    this.#dueTableBytes = undefined;
    if (smallest < final) this.#resize(smallest);
    this.#resize(final);
  }

  #resize(bytes: number): void {
    this.#table.resize(bytes);
    writer.integer(0x20, 5, bytes);
  }

  #writeField(name: string, value: string): void {
    const known = knownNames.get(name) ?? unknownName;
    const index = known.staticIndexes.get(value) ?? this.#table.indexOf(name, value);
    if (index > 0) {
      writer.integer(0x80, 7, index);
      return;
    }
    const rule = this.#secretNames.has(name) ? 'never indexed' : known.rule;
    const nameIndex = known.staticIndex || this.#table.indexOfName(name);
    if (this.#isWorthAPlace(rule, name, value)) {
      writer.integer(0x40, 6, nameIndex);
      // Before the table changes: the name's index is one of the table as it is.
      this.#table.add(name, value);
    } else {
      writer.integer(rule === 'never indexed' ? 0x10 : 0, 4, nameIndex);
    }
    if (nameIndex === 0) writer.string(name);
    writer.string(value);
  }

  #isWorthAPlace(rule: IndexingRule, name: string, value: string): boolean {
    // One that takes more than half would push out everything that is used all the time.
    if (fieldBytes(name, value) * 2 > this.#table.maxBytes) return false;
    if (rule === 'always') return true;
    return rule === 'repeated' && this.#seen.seenBefore(name, value);
  }
}
