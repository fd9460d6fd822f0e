import type { SnapshotInfo } from '../src/contracts.ts';
import type { EntryId } from '../src/entry-id.ts';
import { CrashDisk } from './crash-disk.ts';
import { openSnapshots, snapshotHeader, snapshotSections } from './snapshot-fixtures.ts';

export interface SnapshotFile {
  readonly bytes: Uint8Array;
  readonly info: SnapshotInfo;
}

const made = new Map<number, Promise<SnapshotFile>>();

/** The file of a snapshot that another member made. */
export function foreignSnapshot({ index, term }: EntryId): Promise<SnapshotFile> {
  const known = made.get(index) ?? make(index, term);
  made.set(index, known);
  return known;
}

async function make(index: number, term: number): Promise<SnapshotFile> {
  const store = await openSnapshots(new CrashDisk());
  await store.write(snapshotHeader(index, term), snapshotSections(`of another at ${index}`));
  const reader = await store.open();
  const bytes = await reader.read(0, reader.info.lengthBytes);
  await reader.close();
  return { bytes, info: reader.info };
}
