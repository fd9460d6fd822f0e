import type { NodeCondition, NodeRole } from '@d-engine/base';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { followerStatus, HttpFixture } from './http-fixture.ts';

const healthy = { live: { event_loop: { ok: true } }, ready: { leader: { ok: true } } } as const;

let http: HttpFixture;
let metricsPort: number;
beforeAll(async () => {
  http = await HttpFixture.start();
  metricsPort = (await http.api.listenMetrics('127.0.0.1:0')).port;
});
beforeEach(() => {
  http.status = followerStatus;
  http.health = healthy;
});
afterAll(() => http.stop());

describe('GET /status', () => {
  it('says what contract.md lists, with nulls for what only the leader knows', async () => {
    const reply = await http.get('/status', { headers: { host: 'localhost' } });
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({
      node_id: 1,
      cluster_id: '00112233445566778899aabbccddeeff',
      version: '0.1.0',
      role: 'follower',
      condition: 'normal',
      condition_reason: null,
      term: 3,
      leader: { id: 2, address: 'localhost:9082' },
      commit_index: 41,
      applied_index: 40,
      last_log_index: 43,
      durable_index: 42,
      revision: 40,
      members: [
        {
          id: 1,
          address: '10.0.0.1:9081',
          role: 'voter',
          status: 'active',
          match_index: null,
          lag: null,
          last_contact_ms: null,
        },
      ],
    });
  });

  it('says null for a leader and a cluster that are not known', async () => {
    http.status = { ...followerStatus, leader: null, clusterId: null, condition: 'forming' };
    const body = (await http.get('/status')).json();
    expect(body).toMatchObject({ leader: null, cluster_id: null, condition: 'forming' });
  });

  it('knows no parameter', async () => {
    expect((await http.get('/status?verbose=1')).status).toBe(400);
  });
});

describe('GET /primary and /replica', () => {
  it.each<[NodeRole, NodeCondition, number, number]>([
    ['leader', 'normal', 200, 503],
    ['follower', 'normal', 503, 200],
    ['learner', 'normal', 503, 200],
    ['candidate', 'normal', 503, 200],
    ['follower', 'refused', 503, 503],
    ['leader', 'diverged', 503, 503],
  ])('%s, %s: %i and %i', async (role, condition, primary, replica) => {
    http.status = { ...followerStatus, role, condition };
    expect((await http.get('/primary')).status).toBe(primary);
    const reply = await http.get('/replica');
    expect(reply.status).toBe(replica);
    expect(reply.json()).toEqual({ node_id: 1, role, condition });
  });

  it('answer probes of load balancers: HTTP/1.0 without a Host, and HEAD', async () => {
    expect(await http.raw('GET /replica HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200 /);
    expect((await http.call('HEAD', '/replica')).status).toBe(200);
  });
});

describe('health, on both ports', () => {
  it('is ok', async () => {
    for (const port of [http.port, metricsPort]) {
      const live = await http.get('/live', { port });
      expect([live.status, live.text]).toEqual([
        200,
        '{"status":"ok","checks":{"event_loop":"ok"}}\n',
      ]);
      for (const path of ['/ready', '/health']) {
        const ready = await http.get(path, { port });
        expect(ready.status).toBe(200);
        expect(ready.json()).toEqual({
          status: 'ok',
          checks: { event_loop: 'ok', leader: 'ok' },
        });
      }
    }
  });

  it('names the failing check with 503; without a leader the process still lives', async () => {
    http.health = { ...healthy, ready: { leader: { ok: false, reason: 'no leader for 3 s' } } };
    for (const port of [http.port, metricsPort]) {
      expect((await http.get('/live', { port })).status).toBe(200);
      for (const path of ['/ready', '/health']) {
        const reply = await http.get(path, { port });
        expect(reply.status).toBe(503);
        expect(reply.json()).toEqual({
          status: 'failing',
          checks: { event_loop: 'ok', leader: 'no leader for 3 s' },
        });
      }
    }
  });

  it('is not ready when it is not live', async () => {
    http.health = { ...healthy, live: { disk: { ok: false, reason: 'a sync failed' } } };
    expect((await http.get('/live')).status).toBe(503);
    expect((await http.get('/ready')).status).toBe(503);
  });
});

describe('the metrics port', () => {
  it('has the metrics, under any name that monitoring knows it by', async () => {
    const headers = { host: 'prometheus-target:9101' };
    const reply = await http.get('/metrics', { port: metricsPort, headers });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe('# TYPE up gauge\nup 1\n');
    expect(reply.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('has no data, and none for pages of other sites', async () => {
    for (const path of ['/get?key=a', '/status', '/put', '/']) {
      expect((await http.get(path, { port: metricsPort })).status).toBe(404);
    }
    const headers = { origin: 'http://evil.example' };
    expect((await http.get('/metrics', { port: metricsPort, headers })).status).toBe(403);
    expect((await http.post('/metrics', '', { port: metricsPort })).status).toBe(405);
  });

  it('rejects when its port is taken', async () => {
    await expect(http.api.listenMetrics(`127.0.0.1:${metricsPort}`)).rejects.toThrow(/EADDRINUSE/);
  });

  it('closes on its own', async () => {
    const other = await http.api.listenMetrics('127.0.0.1:0');
    await other.close();
    await expect(http.get('/metrics', { port: other.port })).rejects.toThrow(/ECONNREFUSED/);
    expect((await http.get('/metrics', { port: metricsPort })).status).toBe(200);
  });
});
