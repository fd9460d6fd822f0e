import type { Compute, DiskFile } from '@d-engine/base';
import { MalformedMessage } from '@d-engine/base';
import type { SnapshotInfo } from '../contracts.ts';
import type { SnapshotSection } from '../snapshot-format.ts';
import { snapshotSectionKinds } from '../snapshot-format.ts';
import { StorageDamage } from '../storage-errors.ts';
import { decodeSectionBody } from './section-bodies.ts';
import { gzipFlag } from './section-header.ts';
import type { SnapshotEnd, StoredSection } from './snapshot-scan.ts';
import { SnapshotScan } from './snapshot-scan.ts';

export interface ReadingOptions {
  readonly file: DiskFile;
  /** For messages. */
  readonly path: string;
  readonly compute: Compute;
}

/** The sections of a file, unpacked. When it ends by itself, every byte of the file was checked. */
export async function* readSections(options: ReadingOptions): AsyncGenerator<SnapshotSection> {
  const scan = await SnapshotScan.begin(options.file, options.path);
  for await (const stored of scan.sections()) yield await unpack(stored, options);
}

/** What the file says of itself, by its first sections and its end. */
export async function readInfo(options: ReadingOptions): Promise<SnapshotInfo> {
  const scan = await SnapshotScan.begin(options.file, options.path);
  return describe(scan, await scan.end(), scan.sections(), options);
}

/** The same, once every byte of the file was checked. */
export async function verifyFile(options: ReadingOptions): Promise<SnapshotInfo> {
  const scan = await SnapshotScan.begin(options.file, options.path);
  const sections = scan.sections();
  const first: StoredSection[] = [];
  for (;;) {
    const next = await sections.next();
    if (next.done === true) return describe(scan, next.value, first, options);
    if (next.value.header.kind !== snapshotSectionKinds.data) first.push(next.value);
  }
}

async function describe(
  scan: SnapshotScan,
  end: SnapshotEnd,
  sections: Iterable<StoredSection> | AsyncIterable<StoredSection>,
  options: ReadingOptions,
): Promise<SnapshotInfo> {
  const found: Partial<Record<number, SnapshotSection>> = {};
  for await (const stored of sections) {
    if (stored.header.kind === snapshotSectionKinds.data) break;
    found[stored.header.kind] = await unpack(stored, options);
  }
  const configuration = found[snapshotSectionKinds.configuration];
  const history = found[snapshotSectionKinds.history];
  const clusterTime = found[snapshotSectionKinds.clusterTime];
  if (
    configuration?.kind !== snapshotSectionKinds.configuration ||
    history?.kind !== snapshotSectionKinds.history ||
    clusterTime?.kind !== snapshotSectionKinds.clusterTime
  ) {
    throw new StorageDamage({ file: options.path, offset: 0, reason: 'a section is missing' });
  }
  const { header, sizeBytes: lengthBytes } = scan;
  const { keyCount, sha256 } = end;
  return { header, configuration, history, clusterTime, keyCount, lengthBytes, sha256 };
}

async function unpack(stored: StoredSection, options: ReadingOptions): Promise<SnapshotSection> {
  const { header, offset } = stored;
  const content = await contentOf(stored, options);
  if (content.length !== header.contentBytes) {
    const reason = 'a section has another length than it says';
    throw new StorageDamage({ file: options.path, offset, reason });
  }
  try {
    const kind = header.kind as SnapshotSection['kind'];
    return decodeSectionBody(kind, content, header.keyCount);
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    const file = options.path;
    throw new StorageDamage({ file, offset, reason: error.message, cause: error });
  }
}

async function contentOf(stored: StoredSection, options: ReadingOptions): Promise<Uint8Array> {
  const { header, body, offset } = stored;
  if ((header.flags & gzipFlag) === 0) return body;
  try {
    return await options.compute.gunzip(body, header.contentBytes);
  } catch (error) {
    const reason = 'a section cannot be unpacked';
    throw new StorageDamage({ file: options.path, offset, reason, cause: error });
  }
}
