import { type ClientApi, DEngineError, type KeyRange, scanOrders } from '@d-engine/base';
import { jsonAnswer, type Route } from './route.ts';
import {
  entryBody,
  keyBytes,
  numberParameter,
  readOptions,
  type StoreSettings,
} from './store-fields.ts';
import { parseEncoding } from './value-encoding.ts';

/** /scan: the keys of a prefix or a range, page by page. */
export function scanRoute(client: ClientApi, settings: StoreSettings): Route {
  const read = ['consistency', 'min_revision', 'encoding'];
  return {
    method: 'GET',
    path: '/scan',
    parameters: ['prefix', 'start', 'end', 'limit', 'order', 'cursor', ...read],
    writes: false,
    async handle(request) {
      const { parameters } = request;
      const encoding = parseEncoding(parameters.get('encoding'));
      const order = parseOrder(parameters.get('order'));
      const limit = numberParameter(parameters, 'limit', 'a limit');
      const cursor = parameters.get('cursor');
      const options = { ...readOptions(request, settings), order, limit, cursor };
      const page = await client.scan(parseRange(parameters), options);
      return jsonAnswer(200, {
        entries: page.entries.map((entry) => entryBody(entry, encoding)),
        revision: page.revision,
        first_revision: page.firstRevision,
        consistency: page.consistency,
        next_cursor: page.nextCursor,
      });
    },
  };
}

function parseRange(parameters: ReadonlyMap<string, string>): KeyRange<Uint8Array> {
  const prefix = parameters.get('prefix');
  const start = parameters.get('start');
  const end = parameters.get('end');
  const isRange = start !== undefined || end !== undefined;
  if ((prefix !== undefined) === isRange) {
    const usage = 'use /scan?prefix=... or /scan?start=...&end=...; prefix= is all keys';
    throw new DEngineError('InvalidRequest', `what to scan is not clear: ${usage}`);
  }
  if (prefix !== undefined) return { prefix: keyBytes(prefix) };
  return {
    start: start === undefined ? undefined : keyBytes(start),
    end: end === undefined ? undefined : keyBytes(end),
  };
}

function parseOrder(text: string | undefined): (typeof scanOrders)[number] | undefined {
  if (text === undefined) return undefined;
  const order = scanOrders.find((known) => known === text);
  if (order !== undefined) return order;
  throw new DEngineError('InvalidRequest', `order is one of ${scanOrders.join(', ')}`);
}
