import {
  type Consistency,
  type KeyRange,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
  type Revision,
  type ScanOrder,
} from '@d-engine/base';
import { readConsistencyCodec } from './client-requests.ts';
import { emptyBytes, writeString, writeUint } from './fields.ts';
import type { FoundKey } from './found-key.ts';
import { decodeFoundKey, encodeFoundKey, foundKeyBytesMax } from './found-key.ts';

/** `d_engine.client.ScanRequest`; one of the original has a prefix and nothing else. */
export interface ScanRequest {
  readonly clientId: number;
  readonly range: KeyRange<Uint8Array>;
  /** 0: all that fits in an answer. */
  readonly limit: number;
  readonly order: ScanOrder;
  /** Empty: the first page. */
  readonly cursor: string;
  /** Undefined: the server's default_policy; so is a policy that this version does not know. */
  readonly consistency: Consistency | undefined;
  readonly minRevision: Revision;
}

/** `d_engine.client.ScanResponse`. */
export interface ScanResponse {
  readonly entries: readonly FoundKey[];
  /** The revision that the scan saw. */
  readonly revision: Revision;
  /** Empty after the last page. */
  readonly nextCursor: string;
  /** 0 when unknown. */
  readonly firstRevision: Revision;
  readonly consistency: Consistency | undefined;
}

export function encodeScanRequest(request: ScanRequest): Uint8Array {
  const { range } = request;
  const writer = new ProtobufWriter(128);
  writeUint(writer, 1, request.clientId);
  if ('prefix' in range) {
    if (range.prefix.length > 0) writer.bytes(2, range.prefix);
  } else {
    if (range.start !== undefined) writer.bytes(100, range.start);
    if (range.end !== undefined) writer.bytes(101, range.end);
  }
  writeUint(writer, 102, request.limit);
  if (request.order === 'descending') writer.bool(103, true);
  writeString(writer, 104, request.cursor);
  if (request.consistency !== undefined) {
    writer.uint(105, readConsistencyCodec.toNumber(request.consistency));
  }
  writeUint(writer, 106, request.minRevision);
  return writer.finish();
}

/** Keys are views. Throws {@link MalformedMessage}; also for a prefix and a range at once. */
export function decodeScanRequest(bytes: Uint8Array): ScanRequest {
  const reader = new ProtobufReader(bytes);
  let prefix = emptyBytes;
  let start: Uint8Array | undefined;
  let end: Uint8Array | undefined;
  let consistency: Consistency | undefined;
  let order: ScanOrder = 'ascending';
  let cursor = '';
  const numbers = { clientId: 0, limit: 0, minRevision: 0 };
  while (reader.next()) {
    if (reader.field === 1) numbers.clientId = reader.uint();
    else if (reader.field === 2) prefix = reader.bytes();
    else if (reader.field === 100) start = reader.bytes();
    else if (reader.field === 101) end = reader.bytes();
    else if (reader.field === 102) numbers.limit = reader.uint();
    else if (reader.field === 103) order = reader.bool() ? 'descending' : 'ascending';
    else if (reader.field === 104) cursor = reader.string();
    else if (reader.field === 105) consistency = readConsistencyCodec.find(reader.int32());
    else if (reader.field === 106) numbers.minRevision = reader.uint();
    else reader.skip();
  }
  const isRange = start !== undefined || end !== undefined;
  if (isRange && prefix.length > 0) {
    throw new MalformedMessage('a scan has a prefix, or a start and an end, but not both');
  }
  const range = isRange ? { start, end } : { prefix };
  return { ...numbers, range, order, cursor, consistency };
}

export function encodeScanResponse(response: ScanResponse): Uint8Array {
  let bytes = 64;
  for (const entry of response.entries) bytes += foundKeyBytesMax(entry) + 8;
  const writer = new ProtobufWriter(bytes);
  for (const entry of response.entries) writer.bytes(1, encodeFoundKey(entry));
  writeUint(writer, 2, response.revision);
  writeString(writer, 100, response.nextCursor);
  writeUint(writer, 101, response.firstRevision);
  if (response.consistency !== undefined) {
    writer.uint(102, readConsistencyCodec.toNumber(response.consistency));
  }
  return writer.finish();
}

/** Keys and values are views. */
export function decodeScanResponse(bytes: Uint8Array): ScanResponse {
  const reader = new ProtobufReader(bytes);
  const entries: FoundKey[] = [];
  let nextCursor = '';
  let consistency: Consistency | undefined;
  const numbers = { revision: 0, firstRevision: 0 };
  while (reader.next()) {
    if (reader.field === 1) entries.push(decodeFoundKey(reader.bytes()));
    else if (reader.field === 2) numbers.revision = reader.uint();
    else if (reader.field === 100) nextCursor = reader.string();
    else if (reader.field === 101) numbers.firstRevision = reader.uint();
    else if (reader.field === 102) consistency = readConsistencyCodec.find(reader.int32());
    else reader.skip();
  }
  return { ...numbers, entries, nextCursor, consistency };
}
