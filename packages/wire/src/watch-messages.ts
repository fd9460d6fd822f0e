import { ProtobufReader, ProtobufWriter, type Revision } from '@d-engine/base';
import {
  type EnumCodec,
  emptyBytes,
  enumCodec,
  writeBool,
  writeBytes,
  writeUint,
} from './fields.ts';

export type WatchEventType = 'put' | 'delete' | 'canceled' | 'progress';

const eventTypes: EnumCodec<WatchEventType> = enumCodec('watch event', {
  put: 0,
  delete: 1,
  canceled: 2,
  progress: 3,
});

/** `d_engine.client.WatchRequest`: one key, or all below a prefix. */
export interface WatchRequest {
  readonly clientId: number;
  readonly key: Uint8Array;
  /** Take `key` for a prefix. */
  readonly prefix: boolean;
  /** Send the value before each event too. */
  readonly prevKv: boolean;
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
}

export function encodeWatchRequest(request: WatchRequest): Uint8Array {
  const writer = new ProtobufWriter(request.key.length + 16);
  writeUint(writer, 1, request.clientId);
  writeBytes(writer, 2, request.key);
  writeBool(writer, 3, request.prefix);
  writeBool(writer, 4, request.prevKv);
  return writer.finish();
}

export function decodeWatchRequest(bytes: Uint8Array): WatchRequest {
  const reader = new ProtobufReader(bytes);
  let clientId = 0;
  let key = emptyBytes;
  let prefix = false;
  let prevKv = false;
  while (reader.next()) {
    if (reader.field === 1) clientId = reader.uint();
    else if (reader.field === 2) key = reader.bytes();
    else if (reader.field === 3) prefix = reader.bool();
    else if (reader.field === 4) prevKv = reader.bool();
    else reader.skip();
  }
  return { clientId, key, prefix, prevKv };
}

export function encodeWatchResponse(response: WatchResponse): Uint8Array {
  const { key, value, previousValue } = response;
  const writer = new ProtobufWriter(key.length + value.length + previousValue.length + 48);
  writeBytes(writer, 1, key);
  writeBytes(writer, 2, value);
  writeUint(writer, 3, eventTypes.toNumber(response.eventType));
  writeUint(writer, 4, response.errorCode);
  writeUint(writer, 5, response.revision);
  writeBytes(writer, 6, previousValue);
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
  while (reader.next()) {
    if (reader.field === 1) key = reader.bytes();
    else if (reader.field === 2) value = reader.bytes();
    else if (reader.field === 3) eventType = eventTypes.toName(reader.int32());
    else if (reader.field === 4) errorCode = reader.uint();
    else if (reader.field === 5) revision = reader.uint();
    else if (reader.field === 6) previousValue = reader.bytes();
    else reader.skip();
  }
  return { key, value, eventType, errorCode, revision, previousValue };
}
