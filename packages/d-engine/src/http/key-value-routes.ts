import type { WriteOptions } from '@d-engine/base';
import { type ClientApi, DEngineError, type KeyLifetime, type ReadResult } from '@d-engine/base';
import { nullableTextField, refuseUnknown, textField } from './fields.ts';
import type { JsonObject } from './json-body.ts';
import { type Answer, jsonAnswer, type Route, type RouteRequest } from './route.ts';
import {
  keyBytes,
  lifetimeFields,
  readOptions,
  type StoreSettings,
  valueBytes,
  writeOptions,
} from './store-fields.ts';
import { type Encoding, encodeValue, parseEncoding } from './value-encoding.ts';

/** /put, /get, /delete and /cas. */
export function keyValueRoutes(client: ClientApi, settings: StoreSettings): Route[] {
  const options = (request: RouteRequest): WriteOptions => writeOptions(request, settings);
  return [
    post('/put', async (request) => {
      const body = await request.readBody();
      const known = ['key', 'value', 'encoding', 'ttl_ms', 'lease'];
      refuseUnknown('field', Object.keys(body), known, 'POST /put');
      const encoding = parseEncoding(body['encoding']);
      const key = keyBytes(textField(body, 'key'));
      const value = valueBytes(textField(body, 'value'), encoding, 'value');
      const lifetime = lifetimeFields(body);
      const { revision } = await client.put(key, value, { ...options(request), ...lifetime });
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
      const { key, expected, value, encoding, lifetime } = swap;
      const wanted = { ...options(request), ...lifetime };
      const result = await client.compareAndSwap(key, expected, value, wanted);
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
        const { key, encoding } = parseRead(request.parameters);
        const result = await client.read([keyBytes(key)], readOptions(request, settings));
        return readAnswer(key, result, encoding);
      },
    },
  ];
}

function post(path: string, handle: Route['handle']): Route {
  return { method: 'POST', path, parameters: [], writes: true, handle };
}

interface CompareAndSwap {
  readonly key: Uint8Array;
  readonly expected: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly encoding: Encoding | undefined;
  readonly lifetime: KeyLifetime;
}

function parseCompareAndSwap(body: JsonObject): CompareAndSwap {
  const known = ['key', 'expected', 'value', 'encoding', 'ttl_ms', 'lease'];
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
    lifetime: lifetimeFields(body),
  };
}

interface WantedRead {
  readonly key: string;
  readonly encoding: Encoding | undefined;
}

function parseRead(parameters: ReadonlyMap<string, string>): WantedRead {
  const key = parameters.get('key');
  if (key === undefined) {
    throw new DEngineError('InvalidRequest', 'the key is missing: /get?key=...');
  }
  return { key, encoding: parseEncoding(parameters.get('encoding')) };
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
    ttl_left_ms: entry?.ttlLeftMs,
    lease: entry?.lease,
    encoding: encoded?.encoding,
  });
}
