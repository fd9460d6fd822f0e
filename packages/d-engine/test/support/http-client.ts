import type { ClientApi, KeyRange, KeyValue, ReadOptions, Transaction } from 'd-engine';
import { DEngineError, type errorRegistry } from 'd-engine';
import type { HttpAnswer } from '../../../../tools/cluster/http-call.ts';
import { httpCall } from '../../../../tools/cluster/http-call.ts';

/** The operations of the behaviour suite. */
export type StoreOperations = Omit<ClientApi, 'status' | 'watch' | 'watchMembership'>;

type Body = Record<string, unknown>;

const textOf = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString();

/** The store's operations over HTTP/JSON, for keys and values that are text. */
export function httpClient(address: string): StoreOperations {
  return { ...writesOf(address), ...readsOf(address), ...leasesOf(address) };
}

async function post(address: string, path: string, body: object, key?: string): Promise<Body> {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  const answer = await httpCall(address, 'POST', path, { body: JSON.stringify(body), headers });
  return resultOf(answer);
}

async function get(address: string, path: string, parameters: Body): Promise<Body> {
  const query = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return resultOf(await httpCall(address, 'GET', `${path}?${query.join('&')}`));
}

function readOne(address: string, key: string, options: ReadOptions = {}): Promise<Body> {
  const { consistency, minRevision } = options;
  return get(address, '/get', { key, consistency, min_revision: minRevision });
}

function writesOf(
  address: string,
): Pick<StoreOperations, 'put' | 'delete' | 'compareAndSwap' | 'txn'> {
  return {
    async put(key, value, options = {}) {
      const { ttlMs, lease, idempotencyKey } = options;
      const body = { key: textOf(key), value: textOf(value), ttl_ms: ttlMs, lease };
      return numbers(await post(address, '/put', body, idempotencyKey), 'revision');
    },
    async delete(key, options = {}) {
      const body = await post(address, '/delete', { key: textOf(key) }, options.idempotencyKey);
      return { deleted: body['deleted'] === true, ...numbers(body, 'revision') };
    },
    async compareAndSwap(key, expected, value, options = {}) {
      const { ttlMs, lease, idempotencyKey } = options;
      const wanted = {
        expected: expected === null ? null : textOf(expected),
        value: value === null ? null : textOf(value),
      };
      const sent = { key: textOf(key), ...wanted, ttl_ms: ttlMs, lease };
      const body = await post(address, '/cas', sent, idempotencyKey);
      const current = body['current'];
      return {
        succeeded: body['succeeded'] === true,
        current: typeof current === 'string' ? Buffer.from(current) : null,
        ...numbers(body, 'revision'),
      };
    },
    async txn(transaction, options = {}) {
      const body = await post(
        address,
        '/txn',
        transactionBody(transaction),
        options.idempotencyKey,
      );
      const responses = body['responses'] as Body[];
      return {
        succeeded: body['succeeded'] === true,
        ...numbers(body, 'revision'),
        responses: responses.map((each) => {
          if (each['type'] === 'put') return { type: 'put' };
          if (each['type'] === 'delete') {
            return { type: 'delete', deleted: each['deleted'] === true };
          }
          return { type: 'get', entry: entryOf(each['entry'] as Body | null) };
        }),
      };
    },
  };
}

function readsOf(address: string): Pick<StoreOperations, 'get' | 'read' | 'scan'> {
  return {
    async get(key, options) {
      const body = await readOne(address, textOf(key), options);
      return entryOf(body['value'] === null ? null : body);
    },
    async read(keys, options) {
      const bodies = await Promise.all(keys.map((key) => readOne(address, textOf(key), options)));
      const [first = {}] = bodies;
      const entries = bodies.map((body) => entryOf(body['value'] === null ? null : body));
      return { entries, revision: first['revision'] as number, consistency: 'linearizable' };
    },
    async scan(range, options = {}) {
      const { limit, order, cursor, consistency, minRevision } = options;
      const paging = { limit, order, cursor, consistency, min_revision: minRevision };
      const body = await get(address, '/scan', { ...rangeParameters(range), ...paging });
      const entries = (body['entries'] as Body[]).map((entry) => entryOf(entry) as KeyValue);
      return {
        entries,
        revision: body['revision'] as number,
        firstRevision: body['first_revision'] as number,
        consistency: body['consistency'] as 'linearizable',
        nextCursor: body['next_cursor'] as string | null,
      };
    },
  };
}

function leasesOf(
  address: string,
): Pick<StoreOperations, 'grantLease' | 'keepLeaseAlive' | 'revokeLease' | 'leaseTimeLeft'> {
  return {
    async grantLease(ttlMs, options = {}) {
      const body = await post(address, '/lease/grant', { ttl_ms: ttlMs }, options.idempotencyKey);
      return { lease: body['lease'] as number, ttlMs, ...numbers(body, 'revision') };
    },
    async keepLeaseAlive(lease, options = {}) {
      const body = await post(address, '/lease/keepalive', { lease }, options.idempotencyKey);
      return { ttlMs: body['ttl_ms'] as number, ...numbers(body, 'revision') };
    },
    async revokeLease(lease, options = {}) {
      const body = await post(address, '/lease/revoke', { lease }, options.idempotencyKey);
      return { deletedKeys: body['deleted_keys'] as number, ...numbers(body, 'revision') };
    },
    async leaseTimeLeft(lease) {
      const answer = await httpCall(address, 'GET', `/lease?lease=${lease}`);
      if (answer.status === 404) return null;
      const body = resultOf(answer);
      return {
        lease,
        ttlMs: body['ttl_ms'] as number,
        leftMs: body['left_ms'] as number,
        keys: (body['keys'] as string[]).map((key) => Buffer.from(key)),
        ...numbers(body, 'revision'),
      };
    },
  };
}

function resultOf(answer: HttpAnswer): Body {
  const body = JSON.parse(answer.text) as Body;
  if (answer.status === 200) return body;
  const { name, message } = body['error'] as { name: keyof typeof errorRegistry; message: string };
  throw new DEngineError(name, message);
}

function numbers<Name extends string>(body: Body, name: Name): Record<Name, number> {
  return { [name]: body[name] as number } as Record<Name, number>;
}

function entryOf(body: Body | null): KeyValue | null {
  if (body === null) return null;
  return {
    key: Buffer.from(body['key'] as string),
    value: Buffer.from(body['value'] as string),
    createRevision: body['create_revision'] as number,
    modRevision: body['mod_revision'] as number,
    version: body['version'] as number,
    ttlLeftMs: body['ttl_left_ms'] as number | undefined,
    lease: body['lease'] as number | undefined,
  };
}

function rangeParameters(range: KeyRange): Body {
  if ('prefix' in range) return { prefix: textOf(range.prefix) };
  const { start, end } = range;
  return { start: start && textOf(start), end: end && textOf(end) };
}

const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function transactionBody({ compare, success, failure }: Transaction): object {
  const steps = (list: Transaction['success']): object[] =>
    list.map((step) => {
      const named = { type: step.type, key: textOf(step.key) };
      if (step.type !== 'put') return named;
      return { ...named, value: textOf(step.value), ttl_ms: step.ttlMs, lease: step.lease };
    });
  return {
    compare: compare.map((each) => {
      const named = { key: textOf(each.key), target: snakeCase(each.target) };
      if (each.target === 'existence') return { ...named, exists: each.exists };
      const value = each.target === 'value' ? textOf(each.value) : each.value;
      return { ...named, operator: snakeCase(each.operator), value };
    }),
    success: steps(success),
    failure: steps(failure),
  };
}
