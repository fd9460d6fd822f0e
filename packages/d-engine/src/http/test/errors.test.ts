import { DEngineError, type ErrorName, errorRegistry } from '@d-engine/base';
import { parseLeader } from '@d-engine/wire';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpFixture, type Reply } from './http-fixture.ts';

let http: HttpFixture;
beforeAll(async () => {
  http = await HttpFixture.start();
});
beforeEach(() => {
  http.store.error = undefined;
  http.hint = undefined;
});
afterAll(() => http.stop());

function put(headers: Record<string, string> = {}): Promise<Reply> {
  return http.post('/put', { key: 'a', value: 'b' }, { headers });
}

describe('every error of the registry', () => {
  it.each(Object.keys(errorRegistry) as ErrorName[])('%s', async (name) => {
    const definition = errorRegistry[name];
    http.store.error = new DEngineError(name, `${name}: do this`);
    const reply = await put();
    expect(reply.status).toBe(definition.http);
    expect(reply.error()).toMatchObject({
      code: definition.code,
      name,
      message: `${name}: do this`,
      retryable: definition.retryable,
      may_have_been_applied: definition.applied === 'maybe',
      leader: null,
    });
    const read = await http.get('/get?key=a');
    expect(read.status).toBe(definition.http);
    expect(read.error()).toMatchObject({ name, may_have_been_applied: false });
  });
});

describe('what an error says beside its name', () => {
  it('when to come back: in milliseconds and, rounded up, as Retry-After', async () => {
    const message = 'too much';
    http.store.error = new DEngineError('RateLimited', message, { retryAfterMs: 1_200.5 });
    const reply = await put();
    expect(reply.status).toBe(429);
    expect(reply.headers['retry-after']).toBe('2');
    expect(reply.error()['retry_after_ms']).toBe(1_201);
  });

  it('a pause of its own for 429 and for 503 that may pass', async () => {
    for (const name of ['RateLimited', 'ClusterUnavailable', 'NotLeader'] as const) {
      http.store.error = new DEngineError(name, 'later');
      const reply = await put();
      expect(reply.headers['retry-after']).toBe('1');
      expect(reply.error()['retry_after_ms']).toBe(500);
    }
    http.store.error = new DEngineError('WrongCluster', 'never');
    expect((await put()).headers['retry-after']).toBeUndefined();
  });

  it('who leads, in body and header, as gRPC does', async () => {
    const leader = { id: 2, address: '10.0.0.2:9082' };
    http.store.error = new DEngineError('NotLeader', 'ask node 2', { leader });
    const reply = await put();
    expect(reply.error()['leader']).toEqual(leader);
    expect(parseLeader(String(reply.headers['x-raft-leader']))).toEqual(leader);
  });

  it('never 0.0.0.0, but the host by which the caller came', async () => {
    const leader = { id: 2, address: '0.0.0.0:9082' };
    http.store.error = new DEngineError('LeaderChanged', 'ask node 2', { leader });
    const named = await put({ host: 'localhost:1' });
    expect(named.error()['leader']).toEqual({ id: 2, address: 'localhost:9082' });
    expect(named.headers['x-raft-leader']).toContain('localhost:9082');
    const plain = await put();
    expect(plain.error()['leader']).toEqual({ id: 2, address: '127.0.0.1:9082' });
    const probe = await http.raw('GET /get?key=a HTTP/1.0\r\n\r\n');
    expect(probe).toContain('"address":"127.0.0.1:9082"');
  });

  it('who leads as this node knows it, when a 503 does not say', async () => {
    http.hint = { id: 3, address: '10.0.0.3:9083' };
    http.store.error = new DEngineError('ClusterUnavailable', 'wait');
    expect((await put()).error()['leader']).toEqual(http.hint);
    http.store.error = new DEngineError('ProposeFailed', 'unknown');
    expect((await put()).error()['leader']).toBeNull();
  });
});

describe('a defect', () => {
  it('answers 500 without its inner life, and the server goes on', async () => {
    http.store.error = new TypeError('secret detail');
    const reply = await put();
    expect(reply.status).toBe(500);
    expect(reply.error()).toMatchObject({ name: 'General', may_have_been_applied: true });
    expect(reply.text).not.toContain('secret');
    http.store.error = undefined;
    expect((await put()).status).toBe(200);
  });
});

describe('metrics', () => {
  it('count requests by route and status, never by what callers send', async () => {
    http.counted.clear();
    await put();
    await http.get('/nowhere/at/all');
    expect([...http.counted]).toEqual([
      ['d_engine_http_requests_total{"route":"/put","status":"200"}', 1],
      ['d_engine_http_requests_total{"route":"none","status":"404"}', 1],
    ]);
  });
});
