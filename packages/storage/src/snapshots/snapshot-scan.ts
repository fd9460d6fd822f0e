import { createHash } from 'node:crypto';
import type { DiskFile } from '@d-engine/base';
import { readExact } from '../exact-integer.ts';
import type { SnapshotHeader } from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import { StorageDamage, UnsupportedFormat } from '../storage-errors.ts';
import { decodeFileHeader, fileHeaderBytes } from './file-header.ts';
import type { SectionHeader } from './section-header.ts';
import {
  bodyChecksum,
  decodeSectionHeader,
  gzipFlag,
  sectionHeaderBytes,
} from './section-header.ts';
import { isSectionKind, SectionOrder } from './section-order.ts';
import { endBodyBytes } from './snapshot-encoder.ts';

export const endSectionBytes: number = sectionHeaderBytes + endBodyBytes;

/** One section as it is in the file. Its checksums are right. */
export interface StoredSection {
  readonly header: SectionHeader;
  readonly offset: number;
  /** Compressed, if `header.flags` say so. */
  readonly body: Uint8Array;
}

export interface SnapshotEnd {
  readonly sectionCount: number;
  readonly keyCount: number;
  /** Everything before the end section. */
  readonly bytesBefore: number;
  readonly sha256: string;
}

/**
 * Reads a snapshot file and checks whatever it comes across. Throws StorageDamage, with the file
 * and the place in it, or UnsupportedFormat.
 */
export class SnapshotScan {
  readonly #file: DiskFile;
  readonly #path: string;
  readonly header: SnapshotHeader;
  readonly #seed: number;
  readonly sizeBytes: number;
  readonly #start: Uint8Array;

  private constructor(
    file: DiskFile,
    path: string,
    start: { header: SnapshotHeader; seed: number; bytes: Uint8Array; sizeBytes: number },
  ) {
    this.#file = file;
    this.#path = path;
    this.header = start.header;
    this.#seed = start.seed;
    this.#start = start.bytes;
    this.sizeBytes = start.sizeBytes;
  }

  static async begin(file: DiskFile, path: string): Promise<SnapshotScan> {
    const sizeBytes = await file.size();
    const bytes = await file.read(0, fileHeaderBytes);
    const start = decodeFileHeader(bytes);
    if (start.type === 'damaged') {
      throw new StorageDamage({ file: path, offset: 0, reason: start.reason });
    }
    if (start.type === 'unsupported') throw new UnsupportedFormat(path, start.version, start.what);
    const { header, seed } = start;
    return new SnapshotScan(file, path, { header, seed, bytes, sizeBytes });
  }

  /** The end section alone: what the file says of itself, its place and checksums checked. */
  async end(): Promise<SnapshotEnd> {
    const offset = this.sizeBytes - endSectionBytes;
    if (offset < fileHeaderBytes) throw this.#damage(fileHeaderBytes, 'its end is missing');
    const bytes = await this.#file.read(offset, endSectionBytes);
    const header = this.#decodeHeader(bytes, offset);
    if (header.kind !== snapshotSectionKinds.end || header.storedBytes !== endBodyBytes) {
      throw this.#damage(offset, 'its end is missing');
    }
    const body = this.#checked(header, bytes.subarray(sectionHeaderBytes), offset);
    return this.#decodeEnd(header, body, offset);
  }

  /**
   * All sections but the end, one disk read each. When it ends by itself, every byte of the file
   * was checked.
   */
  async *sections(): AsyncGenerator<StoredSection, SnapshotEnd> {
    const order = new SectionOrder();
    const hash = createHash('sha256').update(this.#start);
    let offset = fileHeaderBytes;
    let keyCount = 0;
    let next = await this.#file.read(offset, sectionHeaderBytes);
    for (;;) {
      const headerBytes = next;
      const header = this.#decodeHeader(headerBytes, offset);
      const bodyAt = offset + sectionHeaderBytes;
      // The header of the next section comes along.
      const read = await this.#file.read(bodyAt, header.storedBytes + sectionHeaderBytes);
      const body = this.#checked(header, read.subarray(0, header.storedBytes), offset);
      if (!isSectionKind(header.kind) || order.next(header.kind) !== header.number) {
        throw this.#damage(offset, `section ${header.number} is not in its place`);
      }
      if (header.kind === snapshotSectionKinds.end) {
        const end = this.#decodeEnd(header, body, offset);
        if (end.sha256 !== hash.digest('hex')) {
          throw this.#damage(0, 'its content does not match its SHA-256');
        }
        if (end.keyCount !== keyCount) throw this.#damage(offset, 'its end counts other keys');
        return end;
      }
      hash.update(headerBytes).update(body);
      keyCount += header.keyCount;
      yield { header, offset, body };
      offset = bodyAt + header.storedBytes;
      next = read.subarray(header.storedBytes);
    }
  }

  #decodeHeader(bytes: Uint8Array, offset: number): SectionHeader {
    const header = decodeSectionHeader(bytes, this.#seed);
    if (typeof header === 'string') throw this.#damage(offset, header);
    const { kind, version, flags } = header;
    if (!isSectionKind(kind) || version !== 1 || (flags & ~gzipFlag) !== 0) {
      const what = `a section of kind ${kind}, version ${version}, flags ${flags}`;
      throw new UnsupportedFormat(this.#path, version, `${what} at byte ${offset}`);
    }
    return header;
  }

  #checked(header: SectionHeader, body: Uint8Array, offset: number): Uint8Array {
    if (body.length < header.storedBytes) throw this.#damage(offset, 'a section is cut off');
    if (bodyChecksum(body, this.#seed) !== header.bodyCrc) {
      throw this.#damage(offset, 'a section does not match its checksum');
    }
    return body;
  }

  #decodeEnd(header: SectionHeader, bytes: Uint8Array, offset: number): SnapshotEnd {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (body.length !== endBodyBytes || offset + endSectionBytes !== this.sizeBytes) {
      throw this.#damage(offset, 'its end is not where the file ends');
    }
    const sectionCount = body.readUInt32LE(0);
    const keyCount = readExact(body, 4);
    const bytesBefore = readExact(body, 12);
    if (keyCount === undefined || sectionCount !== header.number || bytesBefore !== offset) {
      throw this.#damage(offset, 'its end belongs to another file');
    }
    return { sectionCount, keyCount, bytesBefore, sha256: body.toString('hex', 20) };
  }

  #damage(offset: number, reason: string): StorageDamage {
    return new StorageDamage({ file: this.#path, offset, reason });
  }
}
