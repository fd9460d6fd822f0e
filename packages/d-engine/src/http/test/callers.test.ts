import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostOf, isLoopback, reachableAddress } from '../address.ts';
import { HttpFixture } from './http-fixture.ts';

let http: HttpFixture;
beforeAll(async () => {
  http = await HttpFixture.start();
});
afterAll(() => http.stop());

async function statusFor(headers: Record<string, string>): Promise<unknown> {
  const reply = await http.get('/get?key=a', { headers });
  if (reply.status === 200) return 200;
  const { code, name, retryable } = reply.error();
  return code === 10005 && name === 'Forbidden' && retryable === false ? reply.status : name;
}

describe('the Host header', () => {
  it.each([
    '127.0.0.1:9081',
    '127.0.0.1',
    '10.1.2.3:80',
    '[::1]:9081',
    '[fe80::1]',
    'localhost',
    'LOCALHOST:1234',
    'localhost.',
    'node1.example:1',
    'Node1.Example',
    'virtual.example:9081',
    hostname(),
    `${hostname().toUpperCase()}:9081`,
  ])('%s is served', async (host) => {
    expect(await statusFor({ host })).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:9081',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'node1.example.evil',
    'xnode1.example',
    'localhost@evil.example',
    'localhost:9081:1',
    '[localhost]',
    'localhost evil',
  ])('%j is refused', async (host) => {
    expect(await statusFor({ host })).toBe(403);
  });

  it('says in the refusal where to add the name', async () => {
    const reply = await http.get('/status', { headers: { host: 'db.internal:9081' } });
    expect(reply.error()['message']).toMatch(/"db.internal:9081".*allowed_hosts under \[http\]/);
  });

  it('counts once, in whole URLs too, and may be missing in HTTP/1.0 alone', async () => {
    const first = async (text: string): Promise<string> =>
      (await http.raw(`${text}Connection: close\r\n\r\n`)).slice(9, 12);
    expect(await first('GET /live HTTP/1.0\r\n')).toBe('200');
    expect(await first('GET /live HTTP/1.0\r\nHost: evil.example\r\n')).toBe('403');
    expect(await first('GET /live HTTP/1.1\r\n')).toBe('400');
    expect(await first('GET /live HTTP/1.1\r\nHost:\r\n')).toBe('403');
    expect(await first('GET /live HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n')).toBe('400');
    expect(await first('GET http://localhost:1/live HTTP/1.1\r\nHost: localhost\r\n')).toBe('200');
    expect(await first('GET http://evil/live HTTP/1.1\r\nHost: localhost\r\n')).toBe('403');
  });
});

describe('a page in a browser', () => {
  it('of another site is refused, whatever it asks for', async () => {
    const host = 'localhost:9081';
    for (const origin of [
      'http://evil.example',
      'https://localhost.evil.example',
      'http://localhost:3000',
      'http://127.0.0.1:9081',
      'null',
      'file://',
      'chrome-extension://abc',
      'nonsense',
    ]) {
      expect([origin, await statusFor({ host, origin })]).toEqual([origin, 403]);
    }
    const headers = { host, origin: 'http://evil.example' };
    const put = await http.post('/put', { key: 'a', value: 'b' }, { headers });
    expect(put.status).toBe(403);
    const unknown = await http.get('/nowhere', { headers });
    expect(unknown.status).toBe(403);
    expect(http.store.calls.map(({ operation }) => operation)).not.toContain('put');
  });

  it('is refused by Sec-Fetch-Site: cross-site alone', async () => {
    expect(await statusFor({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await statusFor({ 'sec-fetch-site': 'Cross-Site' })).toBe(403);
    for (const site of ['same-origin', 'same-site', 'none']) {
      expect(await statusFor({ 'sec-fetch-site': site })).toBe(200);
    }
  });

  it('of this node itself is served', async () => {
    expect(await statusFor({ host: 'localhost:9081', origin: 'http://localhost:9081' })).toBe(200);
    expect(await statusFor({ host: '[::1]:9081', origin: 'http://[::1]:9081' })).toBe(200);
    expect(await statusFor({ host: 'node1.example', origin: 'https://node1.example' })).toBe(200);
    expect(await statusFor({ host: '10.0.0.1:80', origin: 'http://10.0.0.1' })).toBe(200);
  });
});

describe('addresses', () => {
  it('hosts', () => {
    expect(hostOf('A.example.:9081')).toBe('a.example');
    expect(hostOf('[::1]:9081')).toBe('::1');
    expect(hostOf('::1')).toBeUndefined();
    expect(hostOf('a/b')).toBeUndefined();
  });

  it('loopback callers', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
      expect(isLoopback(address)).toBe(true);
    }
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', undefined]) {
      expect(isLoopback(address)).toBe(false);
    }
  });

  it('hints never say "all interfaces"', () => {
    expect(reachableAddress('0.0.0.0:9082', 'localhost')).toBe('localhost:9082');
    expect(reachableAddress('[::]:9082', '::1')).toBe('[::1]:9082');
    expect(reachableAddress('[::]:9082', '10.0.0.1')).toBe('10.0.0.1:9082');
    expect(reachableAddress('10.0.0.2:9082', 'localhost')).toBe('10.0.0.2:9082');
  });
});
