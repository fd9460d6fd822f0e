import {
  type ClientApi,
  type Consistency,
  DEngineError,
  exactIntegerMax,
  limits,
  type ReadResult,
  type RequestOptions,
} from '@d-engine/base';
import { parseConsistency, refuseOverride } from './consistency-names.ts';
import { nullableTextField, refuseUnknown, textField } from './fields.ts';
import type { JsonObject } from './json-body.ts';
import { type Answer, jsonAnswer, type Route, type RouteRequest } from './route.ts';
import { decodeValue, type Encoding, encodeValue, parseEncoding } from './value-encoding.ts';

export interface KeyValueSettings {
  /** Time for one operation, waits for a leader included. */
  readonly serverDeadlineMs: number;
  readonly allowClientOverride: boolean;
  readonly defaultConsistency: Consistency;
}

/** /put, /get, /delete and /cas. */
export function keyValueRoutes(client: ClientApi, settings: KeyValueSettings): Route[] {
  const options = (request: RouteRequest): RequestOptions => ({
    deadlineMs: settings.serverDeadlineMs,
    signal: request.signal,
  });
  return [
    post('/put', async (request) => {
      const body = await request.readBody();
      refuseExpiry(body);
      refuseUnknown('field', Object.keys(body), ['key', 'value', 'encoding'], 'POST /put');
      const encoding = parseEncoding(body['encoding']);
      const key = keyBytes(textField(body, 'key'));
      const value = valueBytes(textField(body, 'value'), encoding, 'value');
      const { revision } = await client.put(key, value, options(request));
      return jsonAnswer(200, { revision });
    }),
    post('/delete', async (request) => {
      const body = await request.readBody();
      refuseUnknown('field', Object.keys(body), ['key'], 'POST /delete');
      const key = keyBytes(textField(body, 'key'));
      const { deleted, revision } = await client.delete(key, options(request));
      return jsonAnswer(200, { deleted, revision });
    }),
    post('/cas', async (request) => {
      const swap = parseCompareAndSwap(await request.readBody());
      const { key, expected, value, encoding } = swap;
      const result = await client.compareAndSwap(key, expected, value, options(request));
      const { succeeded, current, revision } = result;
      if (succeeded) return jsonAnswer(200, { succeeded, revision });
      if (current === null) return jsonAnswer(200, { succeeded, current, revision });
      const encoded = encodeValue(current, encoding);
      return jsonAnswer(200, {
        succeeded,
        current: encoded.text,
        revision,
        encoding: encoded.encoding,
      });
    }),
    {
      method: 'GET',
      path: '/get',
      parameters: ['key', 'consistency', 'min_revision', 'encoding'],
      writes: false,
      async handle(request) {
        const { key, encoding, ...wanted } = parseRead(request.parameters);
        refuseOverride(wanted.consistency, settings);
        const result = await client.read([keyBytes(key)], { ...options(request), ...wanted });
        return readAnswer(key, result, encoding);
      },
    },
  ];
}

function post(path: string, handle: Route['handle']): Route {
  return { method: 'POST', path, parameters: [], writes: true, handle };
}

/** A write that silently outlives its TTL would be worse than one that is refused. */
function refuseExpiry(body: JsonObject): void {
  for (const field of ['ttl_ms', 'lease']) {
    if (!Object.hasOwn(body, field)) continue;
    throw new DEngineError(
      'InvalidRequest',
      `"${field}" is refused: TTLs and leases are not in this version yet; nothing was written`,
    );
  }
}

interface CompareAndSwap {
  readonly key: Uint8Array;
  readonly expected: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly encoding: Encoding | undefined;
}

function parseCompareAndSwap(body: JsonObject): CompareAndSwap {
  refuseExpiry(body);
  const known = ['key', 'expected', 'value', 'encoding'];
  refuseUnknown('field', Object.keys(body), known, 'POST /cas');
  const encoding = parseEncoding(body['encoding']);
  const key = keyBytes(textField(body, 'key'));
  const expected = nullableTextField(body, 'expected', 'the key must not exist');
  const value = nullableTextField(body, 'value', 'delete the key');
  return {
    key,
    expected: expected === null ? null : valueBytes(expected, encoding, 'expected'),
    value: value === null ? null : valueBytes(value, encoding, 'value'),
    encoding,
  };
}

interface WantedRead {
  readonly key: string;
  readonly encoding: Encoding | undefined;
  readonly consistency: Consistency | undefined;
  readonly minRevision: number | undefined;
}

function parseRead(parameters: ReadonlyMap<string, string>): WantedRead {
  const key = parameters.get('key');
  if (key === undefined) {
    throw new DEngineError('InvalidRequest', 'the key is missing: /get?key=...');
  }
  const consistency = parameters.get('consistency');
  const minRevision = parameters.get('min_revision');
  return {
    key,
    encoding: parseEncoding(parameters.get('encoding')),
    consistency: consistency === undefined ? undefined : parseConsistency(consistency),
    minRevision: minRevision === undefined ? undefined : parseRevision(minRevision),
  };
}

function parseRevision(text: string): number {
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (revision <= exactIntegerMax) return revision;
  throw new DEngineError(
    'InvalidRequest',
    `min_revision ${JSON.stringify(text)} is no revision: a whole number from an answer, as in 42`,
  );
}

/** Fields of an absent key are null, so that every answer has the same shape. */
function readAnswer(key: string, result: ReadResult, wanted: Encoding | undefined): Answer {
  const entry = result.entries[0] ?? null;
  const encoded = entry === null ? undefined : encodeValue(entry.value, wanted);
  return jsonAnswer(200, {
    key,
    value: encoded?.text ?? null,
    mod_revision: entry?.modRevision ?? null,
    create_revision: entry?.createRevision ?? null,
    version: entry?.version ?? null,
    revision: result.revision,
    consistency: result.consistency,
    encoding: encoded?.encoding,
  });
}

function keyBytes(text: string): Uint8Array {
  return within(Buffer.from(text, 'utf8'), limits.keyBytesMax, 'key');
}

function valueBytes(text: string, encoding: Encoding | undefined, name: string): Uint8Array {
  return within(decodeValue(text, encoding, name), limits.valueBytesMax, name);
}

function within(bytes: Uint8Array, bytesMax: number, name: string): Uint8Array {
  if (bytes.length <= bytesMax) return bytes;
  throw new DEngineError(
    'RequestTooLarge',
    `"${name}" has ${bytes.length} bytes, over the limit of ${bytesMax}`,
  );
}
