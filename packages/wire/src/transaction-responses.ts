import {
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
  type TransactionResponse,
} from '@d-engine/base';
import { emptyBytes } from './fields.ts';
import { decodeFoundKey, encodeFoundKey, foundKeyBytesMax } from './found-key.ts';

/** `d_engine.client.TransactionResponses`. */
export function encodeTransactionResponses(responses: readonly TransactionResponse[]): Uint8Array {
  let bytes = 16;
  for (const each of responses) {
    bytes += each.type === 'get' && each.entry !== null ? foundKeyBytesMax(each.entry) + 16 : 16;
  }
  const writer = new ProtobufWriter(bytes);
  for (const response of responses) writer.bytes(1, encodeResponse(response));
  return writer.finish();
}

/** Keys and values are views. Throws {@link MalformedMessage}. */
export function decodeTransactionResponses(bytes: Uint8Array): TransactionResponse[] {
  const reader = new ProtobufReader(bytes);
  const responses: TransactionResponse[] = [];
  while (reader.next()) {
    if (reader.field === 1) responses.push(decodeResponse(reader.bytes()));
    else reader.skip();
  }
  return responses;
}

function encodeResponse(response: TransactionResponse): Uint8Array {
  switch (response.type) {
    case 'put': {
      const writer = new ProtobufWriter(4);
      writer.bytes(1, emptyBytes);
      return writer.finish();
    }
    case 'delete': {
      const writer = new ProtobufWriter(8);
      writer.bytes(2, response.deleted ? Uint8Array.of(8, 1) : emptyBytes);
      return writer.finish();
    }
    case 'get': {
      const { entry } = response;
      if (entry === null) {
        const writer = new ProtobufWriter(4);
        writer.bytes(3, emptyBytes);
        return writer.finish();
      }
      const inner = new ProtobufWriter(foundKeyBytesMax(entry) + 8);
      inner.bytes(1, encodeFoundKey(entry));
      const writer = new ProtobufWriter(foundKeyBytesMax(entry) + 16);
      writer.bytes(3, inner.finish());
      return writer.finish();
    }
  }
}

function decodeResponse(bytes: Uint8Array): TransactionResponse {
  const reader = new ProtobufReader(bytes);
  let response: TransactionResponse | undefined;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.bytes();
      response = { type: 'put' };
    } else if (reader.field === 2) {
      response = { type: 'delete', deleted: decodeDeleted(reader.bytes()) };
    } else if (reader.field === 3) response = { type: 'get', entry: decodeGet(reader.bytes()) };
    else reader.skip();
  }
  if (response === undefined) throw new MalformedMessage('an empty response of a transaction');
  return response;
}

function decodeDeleted(bytes: Uint8Array): boolean {
  const reader = new ProtobufReader(bytes);
  let deleted = false;
  while (reader.next()) {
    if (reader.field === 1) deleted = reader.bool();
    else reader.skip();
  }
  return deleted;
}

function decodeGet(bytes: Uint8Array): ReturnType<typeof decodeFoundKey> | null {
  const reader = new ProtobufReader(bytes);
  let entry: ReturnType<typeof decodeFoundKey> | null = null;
  while (reader.next()) {
    if (reader.field === 1) entry = decodeFoundKey(reader.bytes());
    else reader.skip();
  }
  return entry;
}
