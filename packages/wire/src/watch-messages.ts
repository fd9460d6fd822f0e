import { ProtobufReader, ProtobufWriter, type Revision } from '@d-engine/base';
import {
  type EnumCodec,
  emptyBytes,
  enumCodec,
  writeBool,
  writeBytes,
  writeString,
  writeUint,
} from './fields.ts';

export type WatchEventType = 'put' | 'delete' | 'canceled' | 'progress';

const eventTypes: EnumCodec<WatchEventType> = enumCodec('watch event', {
  put: 0,
  delete: 1,
  canceled: 2,
  progress: 3,
});

/** `d_engine.client.WatchRequest`: one key, all that begin with some bytes, or a range. */
export interface WatchRequest {
  readonly clientId: number;
  readonly key: Uint8Array;
  /** Take `key` for a prefix. */
  readonly prefix: boolean;
  /** Send the value before each event too. */
  readonly prevKv: boolean;
  /** Take `key` for the start of a range up to this key; empty: to the last one. */
  readonly rangeEnd?: Uint8Array | undefined;
  /** Events above it; undefined: from now on. */
  readonly afterRevision?: Revision | undefined;
  /** Of that revision; empty: not known. */
  readonly historyId: string;
  /** Time between signs of life of a quiet watch; 0: the server's own. */
  readonly progressIntervalMs: number;
  /** Begin with a `progress`. */
  readonly announce: boolean;
}

/** `d_engine.client.WatchResponse`. */
export interface WatchResponse {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly eventType: WatchEventType;
  /** Of the error registry; 0: none. Says why a watch was canceled. */
  readonly errorCode: number;
  readonly revision: Revision;
  readonly previousValue: Uint8Array;
  /** Of `progress`, and of `canceled` when the revision says where to go on; else empty. */
  readonly historyId: string;
  /** Another event of the same revision follows. */
  readonly more: boolean;
  /** The key had a value before. */
  readonly hadValue: boolean;
}

export function encodeWatchRequest(request: WatchRequest): Uint8Array {
  const writer = new ProtobufWriter(request.key.length + (request.rangeEnd?.length ?? 0) + 80);
  writeUint(writer, 1, request.clientId);
  writeBytes(writer, 2, request.key);
  writeBool(writer, 3, request.prefix);
  writeBool(writer, 4, request.prevKv);
  if (request.rangeEnd !== undefined) writer.bytes(100, request.rangeEnd);
  if (request.afterRevision !== undefined) writer.uint(101, request.afterRevision);
  writeString(writer, 102, request.historyId);
  writeUint(writer, 103, request.progressIntervalMs);
  writeBool(writer, 104, request.announce);
  return writer.finish();
}

export function decodeWatchRequest(bytes: Uint8Array): WatchRequest {
  const reader = new ProtobufReader(bytes);
  let clientId = 0;
  let key = emptyBytes;
  let prefix = false;
  let prevKv = false;
  let rangeEnd: Uint8Array | undefined;
  let afterRevision: Revision | undefined;
  let historyId = '';
  let progressIntervalMs = 0;
  let announce = false;
  while (reader.next()) {
    if (reader.field === 1) clientId = reader.uint();
    else if (reader.field === 2) key = reader.bytes();
    else if (reader.field === 3) prefix = reader.bool();
    else if (reader.field === 4) prevKv = reader.bool();
    else if (reader.field === 100) rangeEnd = reader.bytes();
    else if (reader.field === 101) afterRevision = reader.uint();
    else if (reader.field === 102) historyId = reader.string();
    else if (reader.field === 103) progressIntervalMs = reader.uint();
    else if (reader.field === 104) announce = reader.bool();
    else reader.skip();
  }
  const resume = { afterRevision, historyId };
  return { clientId, key, prefix, prevKv, rangeEnd, ...resume, progressIntervalMs, announce };
}

export function encodeWatchResponse(response: WatchResponse): Uint8Array {
  const { key, value, previousValue } = response;
  const writer = new ProtobufWriter(key.length + value.length + previousValue.length + 88);
  writeBytes(writer, 1, key);
  writeBytes(writer, 2, value);
  writeUint(writer, 3, eventTypes.toNumber(response.eventType));
  writeUint(writer, 4, response.errorCode);
  writeUint(writer, 5, response.revision);
  writeBytes(writer, 6, previousValue);
  writeString(writer, 100, response.historyId);
  writeBool(writer, 101, response.more);
  writeBool(writer, 102, response.hadValue);
  return writer.finish();
}

export function decodeWatchResponse(bytes: Uint8Array): WatchResponse {
  const reader = new ProtobufReader(bytes);
  let key = emptyBytes;
  let value = emptyBytes;
  let eventType: WatchEventType = 'put';
  let errorCode = 0;
  let revision = 0;
  let previousValue = emptyBytes;
  let historyId = '';
  let more = false;
  let hadValue = false;
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) eventType = eventTypes.toName(reader.int32());
    else if (reader.field === 4) errorCode = reader.uint();
    else if (reader.field === 5) revision = reader.uint();
    else if (reader.field === 6) previousValue = reader.bytes();
    else if (reader.field === 100) historyId = reader.string();
    else if (reader.field === 101) more = reader.bool();
    else if (reader.field === 102) hadValue = reader.bool();
    else reader.skip();
  }
  const added = { historyId, more, hadValue };
  return { key, value, eventType, errorCode, revision, previousValue, ...added };
}
