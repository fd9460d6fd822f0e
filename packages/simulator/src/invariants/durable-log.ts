import { crc32 } from 'node:zlib';
import type { Entry, LogIndex, Term } from '@d-engine/base';
import { decodeEntries, MalformedEntry } from '@d-engine/base';
import type { VirtualDisk } from '@d-engine/virtual-env';
import { recordAlignment } from '../disk-layout.ts';

export interface DurableEntry {
  readonly term: Term;
  /** Of the entry's bytes. */
  readonly checksum: number;
}

export interface DurableEntries {
  /** Below it the files do not go back: a snapshot holds what was there. */
  readonly firstIndex: LogIndex;
  /** Of an entry whose file was purged since it was read: as it was. */
  at(index: LogIndex): DurableEntry | undefined;
  /** Where something stands behind the last whole record; undefined: nowhere. */
  remains(): string | undefined;
}

// The layout of a log file, told apart from the code that writes it (packages/storage/src/
// record-header.ts): a header of the file, then records of a header and entries, aligned.
const headerBytes = 64;
const recordMagic = 0x4c64;
const flagTruncates = 1;
const flagBeginsAnew = 2;
/** In the header of a file: the index after the last one of the files before it. */
const firstIndexOffset = 16;
const segmentNamePattern = /^(\d{20})\.segment$/;

/** Read at once: a record or two. */
const windowBytes = 512;
const noBytes: Buffer = Buffer.alloc(0);
const zeros: Buffer = Buffer.alloc(65_536);

interface DurableRecord {
  readonly extent: number;
  readonly firstIndex: LogIndex;
  readonly flags: number;
  readonly entries: readonly Entry[];
}

/**
 * The entries that are on the platter of a virtual disk, whatever the member on it believes. Reads
 * each record once, when it has got there.
 */
export class DurableLog implements DurableEntries {
  readonly #disk: VirtualDisk;
  readonly #directory: string;
  #entries: (DurableEntry | undefined)[] = [];
  #firstIndex: LogIndex = 1;
  #segmentId: number;
  #path: string;
  #offset = headerBytes;
  #window: Buffer = noBytes;
  #windowStart = 0;

  constructor(disk: VirtualDisk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#segmentId = this.#nextId(0) ?? 1;
    this.#path = this.#pathOf(this.#segmentId);
    this.#readFirstIndex();
  }

  get firstIndex(): LogIndex {
    return this.#firstIndex;
  }

  at(index: LogIndex): DurableEntry | undefined {
    return this.#entries[index];
  }

  /** Reads on to the end of what is on the platter now. */
  catchUp(): void {
    // Bytes that were read before may have changed since.
    this.#window = noBytes;
    if (this.#disk.peekDurable(this.#path, 0, 0) === undefined) this.#enterAfterPurge();
    for (;;) {
      const record = this.#readRecord();
      if (record !== undefined) this.#add(record);
      else if (!this.#enterNextSegment()) return;
    }
  }

  remains(): string | undefined {
    let offset = this.#offset;
    for (let segmentId = this.#segmentId; ; segmentId++) {
      const path = this.#pathOf(segmentId);
      if (this.#disk.peekDurable(path, 0, 0) === undefined) return undefined;
      const position = this.#notZeroFrom(path, offset);
      if (position !== undefined) return `${path} at ${position}`;
      offset = 0;
    }
  }

  #notZeroFrom(path: string, offset: number): number | undefined {
    for (let start = offset; ; start += zeros.length) {
      const bytes = this.#disk.peekDurable(path, start, zeros.length) ?? noBytes;
      if (bytes.length === 0) return undefined;
      if (zeros.subarray(0, bytes.length).equals(bytes)) continue;
      return start + bytes.findIndex((byte) => byte !== 0);
    }
  }

  #add({ extent, firstIndex, flags, entries }: DurableRecord): void {
    if (flags === flagBeginsAnew) {
      this.#entries = [];
      this.#firstIndex = firstIndex;
    } else if (flags === flagTruncates) {
      this.#entries.length = firstIndex;
      this.#firstIndex = Math.min(this.#firstIndex, firstIndex);
    }
    for (const { index, term, encoded } of entries) {
      this.#entries[index] = { term, checksum: crc32(encoded) };
    }
    this.#offset += extent;
  }

  /** Undefined: none that is whole stands here. */
  #readRecord(): DurableRecord | undefined {
    const head = this.#read(this.#offset, headerBytes);
    if (head.length < headerBytes) return undefined;
    const length = head.readUInt32LE(0);
    if (length < headerBytes || head.readUInt16LE(4) !== recordMagic) return undefined;
    const entries = this.#readEntries(length - headerBytes);
    if (entries === undefined || entries.length !== head.readUInt32LE(12)) return undefined;
    return {
      extent: Math.ceil(length / recordAlignment) * recordAlignment,
      firstIndex: Number(head.readBigUInt64LE(24)),
      flags: head.readUInt16LE(6),
      entries,
    };
  }

  #readEntries(bytes: number): readonly Entry[] | undefined {
    if (bytes === 0) return [];
    const body = this.#read(this.#offset + headerBytes, bytes);
    if (body.length < bytes) return undefined;
    try {
      return decodeEntries(body);
    } catch (error) {
      // A crash tore it, and nothing removed it.
      if (error instanceof MalformedEntry) return undefined;
      throw error;
    }
  }

  /** A file gets its header with its first record. */
  #enterNextSegment(): boolean {
    const start = this.#disk.peekDurable(this.#pathOf(this.#segmentId + 1), 0, 1);
    if (start === undefined || start[0] === 0) return false;
    this.#enter(this.#segmentId + 1);
    return true;
  }

  /** The file that was read went before its end was seen; or the whole directory is a new one. */
  #enterAfterPurge(): void {
    const nextId = this.#nextId(this.#segmentId);
    if (nextId === undefined) return;
    this.#enter(nextId);
    this.#readFirstIndex();
  }

  #enter(segmentId: number): void {
    this.#segmentId = segmentId;
    this.#path = this.#pathOf(segmentId);
    this.#window = noBytes;
    this.#offset = headerBytes;
  }

  #readFirstIndex(): void {
    const header = this.#disk.peekDurable(this.#path, 0, headerBytes) ?? noBytes;
    if (header.length < headerBytes || header[0] === 0) return;
    const view = Buffer.from(header.buffer, header.byteOffset, header.length);
    this.#firstIndex = Number(view.readBigUInt64LE(firstIndexOffset));
  }

  /** The first file above `segmentId` that has a durable name. */
  #nextId(segmentId: number): number | undefined {
    return (this.#disk.peekNames(this.#directory) ?? [])
      .map((name) => Number(segmentNamePattern.exec(name)?.[1] ?? 0))
      .filter(
        (id) => id > segmentId && this.#disk.peekDurable(this.#pathOf(id), 0, 0) !== undefined,
      )
      .sort((left, right) => left - right)[0];
  }

  /** Fewer bytes than asked for only at the end of the file. */
  #read(position: number, length: number): Buffer {
    const start = position - this.#windowStart;
    if (start < 0 || start + length > this.#window.length) {
      const wanted = Math.max(length, windowBytes);
      const bytes = this.#disk.peekDurable(this.#path, position, wanted) ?? noBytes;
      this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      this.#windowStart = position;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(start, start + length);
  }

  #pathOf(segmentId: number): string {
    return `${this.#directory}/${String(segmentId).padStart(20, '0')}.segment`;
  }
}
