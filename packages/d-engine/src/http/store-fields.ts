import {
  type Consistency,
  DEngineError,
  exactIntegerMax,
  type KeyLifetime,
  type KeyValue,
  limits,
  type ReadOptions,
  type WriteOptions,
} from '@d-engine/base';
import { parseConsistency, refuseOverride } from './consistency-names.ts';
import type { JsonObject } from './json-body.ts';
import type { RouteRequest } from './route.ts';
import { decodeValue, type Encoding, encodeValue } from './value-encoding.ts';

// Fields and parameters that several routes of the store share.

export interface StoreSettings {
  /** Time for one operation, waits for a leader included. */
  readonly serverDeadlineMs: number;
  readonly allowClientOverride: boolean;
  readonly defaultConsistency: Consistency;
}

export function writeOptions(request: RouteRequest, settings: StoreSettings): WriteOptions {
  return {
    deadlineMs: settings.serverDeadlineMs,
    signal: request.signal,
    idempotencyKey: request.header('idempotency-key'),
  };
}

/** Throws for a consistency that callers may not choose here. */
export function readOptions(request: RouteRequest, settings: StoreSettings): ReadOptions {
  const named = request.parameters.get('consistency');
  const consistency = named === undefined ? undefined : parseConsistency(named);
  refuseOverride(consistency, settings);
  const minRevision = numberParameter(request.parameters, 'min_revision', 'a revision');
  const { signal } = request;
  return { deadlineMs: settings.serverDeadlineMs, signal, consistency, minRevision };
}

/** A whole number among the parameters; undefined when it is absent. */
export function numberParameter(
  parameters: ReadonlyMap<string, string>,
  name: string,
  what: string,
): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= exactIntegerMax) return value;
  throw new DEngineError(
    'InvalidRequest',
    `${name} ${JSON.stringify(text)} is no ${what.replace(/^an? /, '')}: a whole number, as in 42`,
  );
}

/** A whole number of a body; undefined when it is absent. */
export function numberField(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const text = `"${name}" must be a whole number, not ${JSON.stringify(value)}`;
  throw new DEngineError('InvalidRequest', text);
}

/** A whole number of a body that must be there. */
export function requiredNumber(body: JsonObject, name: string): number {
  const value = numberField(body, name);
  if (value !== undefined) return value;
  throw new DEngineError('InvalidRequest', `"${name}" is missing in the body`);
}

export function lifetimeFields(body: JsonObject): KeyLifetime {
  return { ttlMs: numberField(body, 'ttl_ms'), lease: numberField(body, 'lease') };
}

export function keyBytes(text: string): Uint8Array {
  return within(Buffer.from(text, 'utf8'), limits.keyBytesMax, 'key');
}

export function valueBytes(text: string, encoding: Encoding | undefined, name: string): Uint8Array {
  return within(decodeValue(text, encoding, name), limits.valueBytesMax, name);
}

function within(bytes: Uint8Array, bytesMax: number, name: string): Uint8Array {
  if (bytes.length <= bytesMax) return bytes;
  throw new DEngineError(
    'RequestTooLarge',
    `"${name}" has ${bytes.length} bytes, over the limit of ${bytesMax}`,
  );
}

/** An entry that is there. A key that is no text says so; others could not have written it. */
export function entryBody(entry: KeyValue, wanted: Encoding | undefined): object {
  const key = encodeValue(entry.key, undefined);
  const value = encodeValue(entry.value, wanted);
  return {
    key: key.text,
    value: value.text,
    mod_revision: entry.modRevision,
    create_revision: entry.createRevision,
    version: entry.version,
    ttl_left_ms: entry.ttlLeftMs,
    lease: entry.lease,
    key_encoding: key.encoding,
    encoding: value.encoding,
  };
}
