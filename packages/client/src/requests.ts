import {
  type BytesLike,
  DEngineError,
  encodeWriteCommand,
  type KeyRange,
  limits,
  rangeBytes,
  type ScanOptions,
  type SessionStamp,
  type WriteCommand,
} from '@d-engine/base';
import { encodeClientWriteRequest, encodeScanRequest } from '@d-engine/wire';

// What is sent, checked before it costs anybody anything.

/** A key as bytes. Throws `InvalidRequest` or `RequestTooLarge`. */
export function keyBytes(key: BytesLike): Uint8Array {
  return within(toBytes(key, 'key'), limits.keyBytesMax, 'key');
}

/** A value as bytes. Throws `InvalidRequest` or `RequestTooLarge`. */
export function valueBytes(value: BytesLike): Uint8Array {
  return within(toBytes(value, 'value'), limits.valueBytesMax, 'value');
}

/** The keys of one read, copied: the answer is held against them. Throws when they are too many. */
export function readKeys(keys: readonly BytesLike[]): Uint8Array[] {
  if (keys.length > limits.readKeysMax) {
    const text = `${keys.length} keys in one read are over the limit of ${limits.readKeysMax}`;
    throw new DEngineError('RequestTooLarge', text);
  }
  const all = keys.map((key) => Uint8Array.from(keyBytes(key)));
  let total = 0;
  for (const key of all) total += key.length;
  within({ length: total }, limits.requestBytesMax - keys.length * 8, 'keys of one read');
  return all;
}

/** A write request. Throws `RequestTooLarge` when key and values do not fit together. */
export function writeRequest(
  command: WriteCommand,
  clientId: number,
  session: SessionStamp | undefined,
): Uint8Array {
  const bytes = encodeWriteCommand(command);
  const request = encodeClientWriteRequest({ clientId, command: bytes, session });
  return within(request, limits.requestBytesMax, 'request');
}

function toBytes(value: BytesLike, what: string): Uint8Array {
  if (typeof value !== 'string') {
    if (value instanceof Uint8Array) return value;
    throw new DEngineError('InvalidRequest', `a ${what} must be a string or a Uint8Array`);
  }
  // Half of a surrogate pair has no UTF-8: two such keys would become the same one.
  if (!/\p{Surrogate}/u.test(value)) return Buffer.from(value, 'utf8');
  const text = `the ${what} holds half of a surrogate pair, which is no text: pass bytes instead`;
  throw new DEngineError('InvalidRequest', text);
}

function within<T extends { readonly length: number }>(value: T, max: number, what: string): T {
  if (value.length <= max) return value;
  const text = `the ${what} of ${value.length} bytes is over the limit of ${max}`;
  throw new DEngineError('RequestTooLarge', text);
}

/** A request for one page of a scan. Throws `InvalidRequest` or `RequestTooLarge`. */
export function scanRequest(range: KeyRange, options: ScanOptions, clientId: number): Uint8Array {
  const { order = 'ascending', limit = limits.scanEntriesDefault, cursor = '' } = options;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > limits.scanEntriesMax) {
    const text = `the limit of a scan is from 1 to ${limits.scanEntriesMax}, not ${limit}`;
    throw new DEngineError('InvalidRequest', text);
  }
  const bounds = rangeBytes(range, { key: keyBytes, value: valueBytes });
  const { consistency, minRevision = 0 } = options;
  const wanted = { range: bounds, limit, order, cursor, consistency, minRevision };
  return within(encodeScanRequest({ clientId, ...wanted }), limits.requestBytesMax, 'request');
}
