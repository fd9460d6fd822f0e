import { type ClientApi, DEngineError } from '@d-engine/base';
import { refuseUnknown } from './fields.ts';
import { type Answer, jsonAnswer, type Route, type RouteRequest } from './route.ts';
import {
  numberParameter,
  readOptions,
  requiredNumber,
  type StoreSettings,
  writeOptions,
} from './store-fields.ts';
import { encodeValue } from './value-encoding.ts';

/** /lease and what is below it: lifetimes that many keys hang on. */
export function leaseRoutes(client: ClientApi, settings: StoreSettings): Route[] {
  return [
    post('/lease/grant', 'ttl_ms', async (ttlMs, request) => {
      const granted = await client.grantLease(ttlMs, writeOptions(request, settings));
      const { lease, revision } = granted;
      return jsonAnswer(200, { lease, ttl_ms: granted.ttlMs, revision });
    }),
    post('/lease/keepalive', 'lease', async (lease, request) => {
      const renewed = await client.keepLeaseAlive(lease, writeOptions(request, settings));
      return jsonAnswer(200, { lease, ttl_ms: renewed.ttlMs, revision: renewed.revision });
    }),
    post('/lease/revoke', 'lease', async (lease, request) => {
      const revoked = await client.revokeLease(lease, writeOptions(request, settings));
      const { deletedKeys, revision } = revoked;
      return jsonAnswer(200, { lease, deleted_keys: deletedKeys, revision });
    }),
    {
      method: 'GET',
      path: '/lease',
      parameters: ['lease', 'consistency', 'min_revision'],
      writes: false,
      handle: (request) => timeLeft(client, settings, request),
    },
  ];
}

async function timeLeft(
  client: ClientApi,
  settings: StoreSettings,
  request: RouteRequest,
): Promise<Answer> {
  const lease = numberParameter(request.parameters, 'lease', 'a lease');
  if (lease === undefined) {
    throw new DEngineError('InvalidRequest', 'the lease is missing: /lease?lease=...');
  }
  const status = await client.leaseTimeLeft(lease, readOptions(request, settings));
  if (status === null) {
    throw new DEngineError('LeaseNotFound', `lease ${lease} is over, or never was`);
  }
  return jsonAnswer(200, {
    lease,
    ttl_ms: status.ttlMs,
    left_ms: status.leftMs,
    keys: status.keys.map((key) => encodeValue(key, undefined).text),
    revision: status.revision,
  });
}

function post(
  path: string,
  field: string,
  carryOut: (value: number, request: RouteRequest) => Promise<Answer>,
): Route {
  return {
    method: 'POST',
    path,
    parameters: [],
    writes: true,
    async handle(request) {
      const body = await request.readBody();
      refuseUnknown('field', Object.keys(body), [field], `POST ${path}`);
      return carryOut(requiredNumber(body, field), request);
    },
  };
}
