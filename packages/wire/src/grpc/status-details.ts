import {
  type ErrorName,
  errorNameOf,
  errorRegistry,
  type Failure,
  MalformedMessage,
  ProtobufReader,
  ProtobufWriter,
  statusCodes,
} from '@d-engine/base';
import { errorMetadataKey, retryAfterMetadataKey } from '../leader-metadata.ts';
import { decodeBinaryMetadata, encodeBinaryMetadata } from './binary-metadata.ts';

// What gRPC calls the richer error model: a google.rpc.Status in the trailers, which the libraries
// of other languages unpack. Ours read `x-d-engine-error`, which says the same in fewer bytes.

/** Of trailers. */
export const statusDetailsKey = 'grpc-status-details-bin';

/** Whose errors they are. */
const domain = 'd-engine';
const typePrefix = 'type.googleapis.com/google.rpc.';

/** The details of a failure that names an error of the registry; undefined for any other. */
export function statusDetailsOf(failure: Failure): string | undefined {
  const name = namedError(failure.metadata?.[errorMetadataKey]);
  if (name === undefined) return undefined;
  const writer = new ProtobufWriter(256);
  writer.uint(1, statusCodes[failure.status]);
  writer.string(2, failure.message);
  writer.bytes(3, any('ErrorInfo', errorInfo(name)));
  const retryAfterMs = Number(failure.metadata?.[retryAfterMetadataKey] ?? Number.NaN);
  if (retryAfterMs >= 0) writer.bytes(3, any('RetryInfo', retryInfo(retryAfterMs)));
  return encodeBinaryMetadata(writer.finish());
}

/** The error of the registry that such details name; undefined when they are of somebody else. */
export function errorOfDetails(value: string | undefined): ErrorName | undefined {
  const bytes = value === undefined ? undefined : decodeBinaryMetadata(value)?.[0];
  if (bytes === undefined) return undefined;
  try {
    return errorOfStatus(bytes);
  } catch (error) {
    // A hint from a stranger is no reason for a second error.
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

function namedError(code: string | undefined): ErrorName | undefined {
  return code !== undefined && /^\d{1,9}$/.test(code) ? errorNameOf(Number(code)) : undefined;
}

function any(type: string, value: Uint8Array): Uint8Array {
  const writer = new ProtobufWriter(192);
  writer.string(1, typePrefix + type);
  writer.bytes(2, value);
  return writer.finish();
}

/** `NOT_LEADER` for `NotLeader`: what an ErrorInfo's reason has to look like. */
export function reasonOfError(name: ErrorName): string {
  return name.replace(/(?<!^)[A-Z]/g, '_$&').toUpperCase();
}

function errorInfo(name: ErrorName): Uint8Array {
  const { code, retryable, applied } = errorRegistry[name];
  const writer = new ProtobufWriter(128);
  writer.string(1, reasonOfError(name));
  writer.string(2, domain);
  const entries = { code, retryable, maybeApplied: applied === 'maybe' };
  for (const [key, value] of Object.entries(entries)) {
    const entry = new ProtobufWriter(32);
    entry.string(1, key);
    entry.string(2, String(value));
    writer.bytes(3, entry.finish());
  }
  return writer.finish();
}

function retryInfo(delayMs: number): Uint8Array {
  const duration = new ProtobufWriter(16);
  const seconds = Math.floor(delayMs / 1_000);
  if (seconds > 0) duration.uint(1, seconds);
  const nanos = Math.round((delayMs - seconds * 1_000) * 1e6);
  if (nanos > 0) duration.uint(2, nanos);
  const writer = new ProtobufWriter(24);
  writer.bytes(1, duration.finish());
  return writer.finish();
}

function errorOfStatus(bytes: Uint8Array): ErrorName | undefined {
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field !== 3) {
      reader.skip();
      continue;
    }
    const { text: type, bytes: value } = readPair(reader.bytes());
    const name = type === `${typePrefix}ErrorInfo` ? errorOfInfo(value) : undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}

function errorOfInfo(bytes: Uint8Array): ErrorName | undefined {
  const reader = new ProtobufReader(bytes);
  let isOurs = false;
  let code: string | undefined;
  while (reader.next()) {
    if (reader.field === 2) isOurs = reader.string() === domain;
    else if (reader.field === 3) {
      const { text: key, bytes: value } = readPair(reader.bytes());
      if (key === 'code') code = Buffer.from(value).toString('latin1');
    } else reader.skip();
  }
  return isOurs ? namedError(code) : undefined;
}

/** Of an Any, or of an entry of a map: a text in field 1 and bytes in field 2. */
function readPair(message: Uint8Array): { readonly text: string; readonly bytes: Uint8Array } {
  const reader = new ProtobufReader(message);
  let text = '';
  let bytes: Uint8Array = new Uint8Array(0);
  while (reader.next()) {
    if (reader.field === 1) text = reader.string();
    else if (reader.field === 2) bytes = reader.bytes();
    else reader.skip();
  }
  return { text, bytes };
}
