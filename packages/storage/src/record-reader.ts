import { crc32 } from 'node:zlib';
import type { DiskFile, Entry, InstanceId } from '@d-engine/base';
import { decodeEntries, MalformedEntry } from '@d-engine/base';
import type { RecordHeader } from './record-header.ts';
import {
  decodeRecordHeader,
  isEndOfLog,
  recordExtent,
  recordHeaderBytes,
  recordSeed,
} from './record-header.ts';

export type ReadRecord =
  | {
      readonly type: 'record';
      readonly offset: number;
      readonly header: RecordHeader;
      /** The entries' bytes: a view of a buffer that nobody else uses. */
      readonly body: Buffer;
    }
  | { readonly type: 'end'; readonly offset: number }
  | { readonly type: 'damaged'; readonly offset: number; readonly reason: string };

export interface RecordReaderOptions {
  readonly file: DiskFile;
  readonly segmentId: number;
  readonly owner: InstanceId;
  /** Of a record. */
  readonly offset: number;
  /** No record reaches beyond it. */
  readonly limit: number;
  /** Read at once, at least. */
  readonly windowBytes: number;
}

/** Reads the records of a segment one after another and checks every byte of them. */
export class RecordReader {
  readonly #file: DiskFile;
  readonly #segmentId: number;
  readonly #seed: number;
  readonly #limit: number;
  readonly #windowBytes: number;
  #offset: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  constructor(options: RecordReaderOptions) {
    this.#file = options.file;
    this.#segmentId = options.segmentId;
    this.#seed = recordSeed(options.owner, options.segmentId);
    this.#offset = options.offset;
    this.#limit = options.limit;
    this.#windowBytes = options.windowBytes;
  }

  /** Where the next record starts. */
  get offset(): number {
    return this.#offset;
  }

  /** The next record; after `end` or `damaged`, the same again. */
  async next(): Promise<ReadRecord> {
    const offset = this.#offset;
    if (this.#limit - offset < recordHeaderBytes) return { type: 'end', offset };
    const head =
      this.#inWindow(offset, recordHeaderBytes) ?? (await this.#read(offset, recordHeaderBytes));
    if (head.length < recordHeaderBytes) {
      return { type: 'damaged', offset, reason: 'the file ends' };
    }
    if (isEndOfLog(head, 0)) return { type: 'end', offset };
    const header = decodeRecordHeader(head, 0, this.#seed);
    if (header === undefined || header.segmentId !== this.#segmentId) {
      return { type: 'damaged', offset, reason: 'the record header fails its checksum' };
    }
    const extent = recordExtent(header.bodyBytes);
    if (extent > this.#limit - offset) {
      return { type: 'damaged', offset, reason: 'the record is larger than the segment' };
    }
    const record = this.#inWindow(offset, extent) ?? (await this.#read(offset, extent));
    if (crc32(record.subarray(recordHeaderBytes), this.#seed) !== header.bodyCrc) {
      return { type: 'damaged', offset, reason: 'the entries fail their checksum' };
    }
    this.#offset = offset + extent;
    const body = record.subarray(recordHeaderBytes, recordHeaderBytes + header.bodyBytes);
    return { type: 'record', offset, header, body };
  }

  /** Most records are: they cost no wait. */
  #inWindow(offset: number, length: number): Buffer | undefined {
    const start = offset - this.#windowStart;
    if (start < 0 || start + length > this.#window.length) return undefined;
    return this.#window.subarray(start, start + length);
  }

  /** Fewer than asked for only at the end of the file. */
  async #read(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.min(Math.max(length, this.#windowBytes), this.#limit - offset);
    const bytes = await this.#file.read(offset, wanted);
    this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#windowStart = offset;
    return this.#window.subarray(0, length);
  }
}

/**
 * The entries of a record. Its bytes passed their checksum, so what does not decode was written by
 * another release: throws {@link MalformedEntry}.
 */
export function entriesOfRecord(header: RecordHeader, body: Buffer): Entry[] {
  const entries = decodeEntries(body);
  const first = entries[0];
  if (entries.length !== header.entryCount) {
    throw new MalformedEntry(`${entries.length} entries in a record of ${header.entryCount}`);
  }
  if (first !== undefined && first.index !== header.firstIndex) {
    throw new MalformedEntry(`entry ${first.index} starts a record of ${header.firstIndex}`);
  }
  return entries;
}
