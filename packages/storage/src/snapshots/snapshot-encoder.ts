import { createHash } from 'node:crypto';
import type { Compute } from '@d-engine/base';
import { assert, limits } from '@d-engine/base';
import { writeExact } from '../exact-integer.ts';
import type { SnapshotHeader, SnapshotSection } from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import { encodeFileHeader } from './file-header.ts';
import { encodeSectionBody } from './section-bodies.ts';
import { encodeSectionHeader, gzipFlag, sectionVersion } from './section-header.ts';
import { SectionOrder } from './section-order.ts';

/** Section count u32, key count u64, bytes before the end section u64, SHA-256 of those bytes. */
export const endBodyBytes = 52;

/** Makes the bytes of one snapshot file, in order, a section at a time. */
export class SnapshotEncoder {
  readonly #compute: Compute;
  readonly #compress: boolean;
  readonly #order = new SectionOrder();
  readonly #hash = createHash('sha256');
  readonly #start: Buffer;
  readonly #seed: number;
  #bytes = 0;
  #keyCount = 0;

  constructor(header: SnapshotHeader, options: { compute: Compute; compress: boolean }) {
    this.#compute = options.compute;
    this.#compress = options.compress;
    this.#start = encodeFileHeader(header);
    this.#seed = this.#start.readUInt32LE(this.#start.length - 4);
  }

  start(): Uint8Array[] {
    return this.#counted([this.#start]);
  }

  async section(section: SnapshotSection): Promise<Uint8Array[]> {
    const number = this.#order.next(section.kind);
    assert(number !== undefined, () => `a section of kind ${section.kind} out of its order`);
    const content = encodeSectionBody(section);
    assert(content.length <= limits.snapshotSectionBytesMax, 'a section is too long');
    const keyCount = section.kind === snapshotSectionKinds.data ? section.keyCount : 0;
    const packed = this.#compress ? await this.#compute.gzip(content) : content;
    // What does not get smaller stays as it is: so a section is never longer than its content.
    const isPacked = packed.length < content.length;
    const body = isPacked ? packed : content;
    this.#keyCount += keyCount;
    return this.#counted([this.#header(section.kind, number, body, content, keyCount), body]);
  }

  end(): Uint8Array[] {
    const number = this.#order.next(snapshotSectionKinds.end);
    assert(number !== undefined, 'a snapshot without all its sections');
    const body = Buffer.alloc(endBodyBytes);
    body.writeUInt32LE(number, 0);
    writeExact(body, 4, this.#keyCount);
    writeExact(body, 12, this.#bytes);
    body.set(this.#hash.digest(), 20);
    return [this.#header(snapshotSectionKinds.end, number, body, body, 0), body];
  }

  #header(
    kind: number,
    number: number,
    body: Uint8Array,
    content: Uint8Array,
    keyCount: number,
  ): Buffer {
    const flags = body === content ? 0 : gzipFlag;
    const fields = { kind, version: sectionVersion, flags, number, keyCount };
    return encodeSectionHeader({ ...fields, contentBytes: content.length }, body, this.#seed);
  }

  #counted(chunks: Uint8Array[]): Uint8Array[] {
    for (const chunk of chunks) {
      this.#hash.update(chunk);
      this.#bytes += chunk.length;
    }
    return chunks;
  }
}
