import { BlockCache, hashOf } from './block-cache.ts';
import { BlockReader } from './block-reader.ts';
import { DynamicTable, initialTableBytes } from './dynamic-table.ts';
import { fieldBytes, type HeaderList, HeaderListTooLarge, HpackError } from './header-list.ts';
import { staticFieldCount, staticNames, staticValues } from './static-table.ts';

export interface HpackDecoderOptions {
  /**
   * What this side lets the peer's encoder use, as in its SETTINGS_HEADER_TABLE_SIZE. Less than
   * {@link initialTableBytes} holds only from when the peer acknowledged it: start with those, and
   * lower them then.
   */
  readonly maxTableBytes: number;
  /** What this side takes, as in its SETTINGS_MAX_HEADER_LIST_SIZE. */
  readonly maxHeaderListBytes: number;
}

/**
 * Turns header blocks back into fields (RFC 7541). Blocks go through it in the order of the
 * connection, all of them, also those of streams that nobody wants any more: each may change the
 * table that the next one refers to.
 */
export class HpackDecoder {
  readonly #maxHeaderListBytes: number;
  readonly #table: DynamicTable;
  readonly #cache = new BlockCache();
  #maxTableBytes: number;
  /** The smallest limit since the last block that forces the peer to shrink its table. */
  #dueTableBytes: number | undefined;
  /** Of the block that is being read. */
  #headers: string[] = [];
  #sizeBytes = 0;

  constructor(options: HpackDecoderOptions) {
    this.#maxHeaderListBytes = options.maxHeaderListBytes;
    this.#maxTableBytes = options.maxTableBytes;
    // Until the peer says otherwise its table has the initial size of the protocol.
    this.#table = new DynamicTable(Math.min(options.maxTableBytes, initialTableBytes));
  }

  /**
   * Another SETTINGS_HEADER_TABLE_SIZE of this side, from when the peer has acknowledged it. If
   * that is less than the table's size, the next block has to begin with a size update (RFC 7541,
   * 4.2).
   */
  setMaxTableBytes(bytes: number): void {
    this.#maxTableBytes = bytes;
    if (bytes < Math.min(this.#table.maxBytes, this.#dueTableBytes ?? this.#table.maxBytes)) {
      this.#dueTableBytes = bytes;
    }
  }

  /**
   * The fields of one whole block. While the table stays as it is, a block that comes again and
   * again gives the same frozen list each time. Throws {@link HpackError}.
   */
  decode(block: Uint8Array): HeaderList | HeaderListTooLarge {
    if (this.#dueTableBytes !== undefined) return this.#read(new BlockReader(block));
    const version = this.#table.version;
    const hash = hashOf(block);
    const known = this.#cache.find(block, hash, version);
    if (known !== undefined) return known;
    const headers = this.#read(new BlockReader(block));
    if (this.#table.version === version && !(headers instanceof HeaderListTooLarge)) {
      this.#cache.offer(block, hash, version, headers);
    }
    return headers;
  }

  #read(reader: BlockReader): HeaderList | HeaderListTooLarge {
    this.#headers = [];
    this.#sizeBytes = 0;
    this.#readSizeUpdates(reader);
    while (!reader.atEnd) this.#readField(reader);
    const headers = this.#headers;
    this.#headers = [];
    if (this.#sizeBytes > this.#maxHeaderListBytes) return new HeaderListTooLarge(this.#sizeBytes);
    return headers;
  }

  /** They stand before the first field or nowhere (RFC 7541, 4.2). */
  #readSizeUpdates(reader: BlockReader): void {
    while (!reader.atEnd && isSizeUpdate(reader.peek())) {
      const bytes = reader.integer(5);
      if (bytes > this.#maxTableBytes) {
        throw new HpackError(`a table of ${bytes} bytes, the limit is ${this.#maxTableBytes}`);
      }
      if (bytes <= (this.#dueTableBytes ?? bytes)) this.#dueTableBytes = undefined;
      this.#table.resize(bytes);
    }
    if (this.#dueTableBytes !== undefined) {
      throw new HpackError('the table was to shrink to the new limit, and no size update says so');
    }
  }

  #readField(reader: BlockReader): void {
    const first = reader.peek();
    if (first >= 128) {
      const index = reader.integer(7);
      this.#take(this.#nameAt(index), this.#valueAt(index));
      return;
    }
    if (isSizeUpdate(first)) throw new HpackError('a size update after the first field');
    const isKept = first >= 64;
    const index = reader.integer(isKept ? 6 : 4);
    const name = index === 0 ? reader.string() : this.#nameAt(index);
    const value = reader.string();
    if (isKept) this.#table.add(name, value);
    this.#take(name, value);
  }

  /**
   * A few bytes may refer to a large field of the table many times over: what goes beyond the limit
   * is counted and not kept.
   */
  #take(name: string, value: string): void {
    this.#sizeBytes += fieldBytes(name, value);
    if (this.#sizeBytes <= this.#maxHeaderListBytes) this.#headers.push(name, value);
    else if (this.#headers.length > 0) this.#headers = [];
  }

  #nameAt(index: number): string {
    if (index <= staticFieldCount && index > 0) return staticNames[index] as string;
    return this.#table.nameAt(this.#positionOf(index));
  }

  #valueAt(index: number): string {
    if (index <= staticFieldCount && index > 0) return staticValues[index] as string;
    return this.#table.valueAt(this.#positionOf(index));
  }

  #positionOf(index: number): number {
    const position = index - staticFieldCount - 1;
    if (index === 0 || position >= this.#table.count) {
      throw new HpackError(`no field has the index ${index}`);
    }
    return position;
  }
}

/** 001xxxxx (RFC 7541, 6.3). */
function isSizeUpdate(octet: number): boolean {
  return octet >> 5 === 1;
}
