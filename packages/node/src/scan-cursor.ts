import type { KeyRange, Revision, ScanOrder, ScanResult } from '@d-engine/base';
import { DEngineError, MalformedMessage, ProtobufReader, ProtobufWriter } from '@d-engine/base';
import type { ScanQuery } from '@d-engine/storage';
import type { ReadView } from './reads.ts';

/** Where a page of a scan ended. */
export interface ScanCursor {
  /** The revision that the first page saw: later pages wait for it, and never show less. */
  readonly firstRevision: Revision;
  readonly lastKey: Uint8Array;
  readonly order: ScanOrder;
}

export function encodeCursor(cursor: ScanCursor): string {
  const writer = new ProtobufWriter(cursor.lastKey.length + 32);
  writer.uint(1, cursor.firstRevision);
  writer.bytes(2, cursor.lastKey);
  if (cursor.order === 'descending') writer.bool(3, true);
  return Buffer.from(writer.finish()).toString('base64url');
}

/** What the text says; an error when it is no cursor. */
export function decodeCursor(text: string): ScanCursor | DEngineError {
  const bytes = /^[\w-]+$/.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  const cursor = readCursor(bytes);
  if (cursor !== undefined && encodeCursor(cursor) === text) return cursor;
  return new DEngineError('InvalidRequest', 'the cursor is none that a scan answered with');
}

function readCursor(bytes: Uint8Array): ScanCursor | undefined {
  const reader = new ProtobufReader(bytes);
  let firstRevision = 0;
  let lastKey: Uint8Array | undefined;
  let order: ScanOrder = 'ascending';
  try {
    while (reader.next()) {
      if (reader.field === 1) firstRevision = reader.uint();
      else if (reader.field === 2) lastKey = reader.bytes();
      else if (reader.field === 3) order = reader.bool() ? 'descending' : 'ascending';
      else return undefined;
    }
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
  return lastKey && { firstRevision, lastKey, order };
}

/** What one page looks for, and the revision that it must have seen. */
export function pageOf(
  range: KeyRange<Uint8Array>,
  wanted: { readonly order: ScanOrder; readonly limit: number; readonly cursor: string },
): { readonly query: ScanQuery; readonly firstRevision: Revision } | DEngineError {
  const { order, limit } = wanted;
  if (wanted.cursor === '') {
    return { query: { range, order, limit, after: undefined }, firstRevision: 0 };
  }
  const cursor = decodeCursor(wanted.cursor);
  if (cursor instanceof DEngineError) return cursor;
  if (cursor.order !== order || !isWithin(cursor.lastKey, range)) {
    return new DEngineError('InvalidRequest', 'the cursor is of another range or order');
  }
  const { lastKey: after, firstRevision } = cursor;
  return { query: { range, order, limit, after }, firstRevision };
}

function isWithin(key: Uint8Array, range: KeyRange<Uint8Array>): boolean {
  if ('prefix' in range) {
    return Buffer.compare(key.subarray(0, range.prefix.length), range.prefix) === 0;
  }
  const { start, end } = range;
  if (start !== undefined && Buffer.compare(key, start) < 0) return false;
  return end === undefined || Buffer.compare(key, end) < 0;
}

/** A page as its caller sees it. */
export function scanAnswer(
  view: ReadView,
  { order }: ScanQuery,
  firstRevision: Revision,
): Omit<ScanResult, 'consistency'> {
  const entries = view.entries.filter((entry) => entry !== null);
  const first = firstRevision === 0 ? view.revision : firstRevision;
  const last = entries.at(-1);
  const hasNext = view.hasMore === true && last !== undefined;
  const cursor = hasNext && encodeCursor({ firstRevision: first, lastKey: last.key, order });
  const nextCursor = cursor === false ? null : cursor;
  return { entries, revision: view.revision, firstRevision: first, nextCursor };
}
