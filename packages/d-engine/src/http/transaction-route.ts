import {
  type ClientApi,
  type Comparison,
  comparisonOperators,
  DEngineError,
  type TransactionOperation,
  type TransactionResponse,
} from '@d-engine/base';
import { refuseUnknown, textField } from './fields.ts';
import type { JsonObject } from './json-body.ts';
import { jsonAnswer, type Route } from './route.ts';
import {
  entryBody,
  keyBytes,
  lifetimeFields,
  requiredNumber,
  type StoreSettings,
  valueBytes,
  writeOptions,
} from './store-fields.ts';
import { type Encoding, parseEncoding } from './value-encoding.ts';

const place = 'POST /txn';
/** Names in JSON, which has words with underscores. */
const targets = {
  create_revision: 'createRevision',
  mod_revision: 'modRevision',
  version: 'version',
} as const;
const operators = new Map(comparisonOperators.map((name) => [snakeCase(name), name]));

/** /txn: one list of steps or another, as one. */
export function transactionRoute(client: ClientApi, settings: StoreSettings): Route {
  return {
    method: 'POST',
    path: '/txn',
    parameters: [],
    writes: true,
    async handle(request) {
      const body = await request.readBody();
      refuseUnknown(
        'field',
        Object.keys(body),
        ['compare', 'success', 'failure', 'encoding'],
        place,
      );
      const encoding = parseEncoding(body['encoding']);
      const result = await client.txn(
        {
          compare: objectsOf(body, 'compare').map((each) => parseComparison(each, encoding)),
          success: objectsOf(body, 'success').map((each) => parseStep(each, encoding)),
          failure: objectsOf(body, 'failure').map((each) => parseStep(each, encoding)),
        },
        writeOptions(request, settings),
      );
      const { succeeded, revision } = result;
      const responses = result.responses.map((response) => responseBody(response, encoding));
      return jsonAnswer(200, { succeeded, revision, responses });
    },
  };
}

/** The objects of a list that may be absent. */
function objectsOf(body: JsonObject, name: string): JsonObject[] {
  const list = body[name] ?? [];
  if (Array.isArray(list) && list.every(isObject)) return list;
  throw new DEngineError('InvalidRequest', `"${name}" must be an array of objects`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseComparison(body: JsonObject, encoding: Encoding | undefined): Comparison<Uint8Array> {
  const where = `a comparison of ${place}`;
  const key = keyBytes(textField(body, 'key'));
  const target = textField(body, 'target');
  if (target === 'existence') {
    refuseUnknown('field', Object.keys(body), ['key', 'target', 'exists'], where);
    const { exists } = body;
    if (typeof exists === 'boolean') return { target, key, exists };
    throw new DEngineError('InvalidRequest', '"exists" must be true or false');
  }
  refuseUnknown('field', Object.keys(body), ['key', 'target', 'operator', 'value'], where);
  const operator = operators.get(textField({ operator: 'equal', ...body }, 'operator'));
  if (operator === undefined) {
    const known = [...operators.keys()].join(', ');
    throw new DEngineError('InvalidRequest', `"operator" is one of ${known}`);
  }
  if (target === 'value') {
    return {
      target,
      key,
      operator,
      value: valueBytes(textField(body, 'value'), encoding, 'value'),
    };
  }
  if (Object.hasOwn(targets, target)) {
    const compared = targets[target as keyof typeof targets];
    return { target: compared, key, operator, value: requiredNumber(body, 'value') };
  }
  const known = ['value', ...Object.keys(targets), 'existence'].join(', ');
  throw new DEngineError('InvalidRequest', `"target" is one of ${known}`);
}

function parseStep(
  body: JsonObject,
  encoding: Encoding | undefined,
): TransactionOperation<Uint8Array> {
  const type = textField(body, 'type');
  const key = keyBytes(textField(body, 'key'));
  const where = `a step of ${place}`;
  switch (type) {
    case 'put': {
      const known = ['type', 'key', 'value', 'ttl_ms', 'lease'];
      refuseUnknown('field', Object.keys(body), known, where);
      const value = valueBytes(textField(body, 'value'), encoding, 'value');
      return { type, key, value, ...lifetimeFields(body) };
    }
    case 'delete':
    case 'get':
      refuseUnknown('field', Object.keys(body), ['type', 'key'], where);
      return { type, key };
    default:
      throw new DEngineError('InvalidRequest', '"type" of a step is put, delete or get');
  }
}

function responseBody(response: TransactionResponse, encoding: Encoding | undefined): object {
  switch (response.type) {
    case 'put':
      return { type: 'put' };
    case 'delete':
      return { type: 'delete', deleted: response.deleted };
    case 'get': {
      const { entry } = response;
      return { type: 'get', entry: entry === null ? null : entryBody(entry, encoding) };
    }
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
