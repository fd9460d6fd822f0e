import { limits } from '@d-engine/base';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpFixture } from './http-fixture.ts';

let http: HttpFixture;
beforeAll(async () => {
  http = await HttpFixture.start();
});
beforeEach(() => {
  http.store.calls.length = 0;
  http.store.error = undefined;
});
afterAll(() => http.stop());

async function put(key: string, value: string): Promise<number> {
  const reply = await http.post('/put', { key, value });
  expect(reply.status).toBe(200);
  return reply.json()['revision'] as number;
}

describe('POST /put', () => {
  it('answers the revision, as a number', async () => {
    const reply = await http.post('/put', { key: 'a', value: '1' });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe(`{"revision":${http.store.revision}}\n`);
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(reply.headers['cache-control']).toBe('no-store');
  });

  it('takes any content type: curl -d sends a form type', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'nonsense']) {
      const headers = { 'content-type': type };
      expect((await http.post('/put', { key: 'a', value: 'b' }, { headers })).status).toBe(200);
    }
  });

  it('hands on the deadline of the server and a signal', async () => {
    await put('a', '1');
    const options = http.store.calls[0]?.options;
    expect(options?.deadlineMs).toBe(5_000);
    expect(options?.signal?.aborted).toBe(false);
  });

  it('takes values in base64', async () => {
    const body = { key: 'bytes', value: '/wAB', encoding: 'base64' };
    expect((await http.post('/put', body)).status).toBe(200);
    const stored = await http.store.get('bytes');
    expect([...(stored?.value ?? [])]).toEqual([255, 0, 1]);
  });

  it('takes empty keys and values, which are a key and a value', async () => {
    await put('', '');
    const { key, value } = (await http.get('/get?key=')).json();
    expect([key, value]).toEqual(['', '']);
  });

  it.each(['ttl_ms', 'lease'])('hands on %s, and refuses what is no such number', async (field) => {
    expect((await http.post('/put', { key: 'a', value: 'b', [field]: 5 })).status).toBe(200);
    expect(http.store.calls[0]?.options).toMatchObject(
      field === 'lease' ? { lease: 5 } : { ttlMs: 5 },
    );
    http.store.calls.length = 0;
    for (const wrong of [-1, 0.5, '5', null]) {
      const reply = await http.post('/put', { key: 'a', value: 'b', [field]: wrong });
      expect(reply.status).toBe(400);
      expect(reply.error()).toMatchObject({ code: 4003, name: 'InvalidRequest' });
    }
    expect(http.store.calls).toEqual([]);
  });

  it('hands on the Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'x' };
    const reply = await http.post('/put', { key: 'a', value: 'b' }, { headers });
    expect(reply.status).toBe(200);
    expect(http.store.calls[0]?.options).toMatchObject({ idempotencyKey: 'x' });
  });

  it('takes the largest key and value, and none that is larger', async () => {
    const key = 'k'.repeat(limits.keyBytesMax);
    const value = Buffer.alloc(limits.valueBytesMax, 7).toString('base64');
    expect((await http.post('/put', { key, value, encoding: 'base64' })).status).toBe(200);
    const longKey = await http.post('/put', { key: `${key}x`, value: '' });
    expect(longKey.status).toBe(413);
    expect(longKey.error()).toMatchObject({ code: 10002, name: 'RequestTooLarge' });
    const longValue = await http.post('/put', { key: 'a', value: `${'v'.repeat(3145729)}` });
    expect(longValue.status).toBe(413);
    expect(longValue.error()['message']).toMatch(/3145729 bytes, over the limit of 3145728/);
  });
});

describe('GET /get', () => {
  it('answers value, revisions, version and consistency', async () => {
    const created = await put('k', 'first');
    const modified = await put('k', 'v');
    const reply = await http.get('/get?key=k&consistency=lease');
    expect(reply.status).toBe(200);
    expect(reply.text).toBe(
      `{"key":"k","value":"v","mod_revision":${modified},"create_revision":${created},` +
        `"version":2,"revision":${modified},"consistency":"lease"}\n`,
    );
  });

  it('answers nulls for a missing key, and 200', async () => {
    const reply = await http.get('/get?key=absent');
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({
      key: 'absent',
      value: null,
      mod_revision: null,
      create_revision: null,
      version: null,
      revision: http.store.revision,
      consistency: 'linearizable',
    });
  });

  it.each([
    ['linearizable', 'linearizable'],
    ['LEASE', 'lease'],
    ['Eventual', 'eventual'],
    ['LinearizableRead', 'linearizable'],
    ['leaseread', 'lease'],
    ['EVENTUALCONSISTENCY', 'eventual'],
  ])('knows consistency=%s', async (name, consistency) => {
    const reply = await http.get(`/get?key=k&consistency=${name}`);
    expect(reply.json()['consistency']).toBe(consistency);
    expect(http.store.calls[0]?.options.consistency).toBe(consistency);
  });

  it('leaves the consistency to the server when none is asked for', async () => {
    await http.get('/get?key=k');
    expect(http.store.calls[0]?.options.consistency).toBeUndefined();
  });

  it('hands min_revision on', async () => {
    await http.get('/get?key=k&min_revision=42');
    expect(http.store.calls[0]?.options.minRevision).toBe(42);
  });

  it('never mangles a value that is not UTF-8', async () => {
    await http.store.put('raw', Uint8Array.of(0xff, 0xfe));
    const { value, encoding } = (await http.get('/get?key=raw')).json();
    expect([value, encoding]).toEqual(['//4=', 'base64']);
  });

  it('answers base64 on demand, and says so', async () => {
    await put('text', 'hé');
    const { value, encoding } = (await http.get('/get?key=text&encoding=BASE64')).json();
    expect([value, encoding]).toEqual(['aMOp', 'base64']);
    expect((await http.get('/get?key=text&encoding=utf8')).json()['value']).toBe('hé');
  });

  it('decodes keys strictly', async () => {
    await put('a b&c=d/é', 'x');
    expect((await http.get('/get?key=a+b%26c%3Dd/%C3%A9')).json()['value']).toBe('x');
    expect((await http.get('/get?key=a%20b%26c=d%2F%c3%a9')).json()['value']).toBe('x');
    for (const broken of ['%', '%zz', '%ff', 'a%C3']) {
      expect((await http.get(`/get?key=${broken}`)).status).toBe(400);
    }
  });

  it('reads keys of tens of kilobytes', async () => {
    const key = 'k'.repeat(50_000);
    await put(key, 'long');
    expect((await http.get(`/get?key=${key}`)).json()['value']).toBe('long');
  });

  it('answers HEAD without a body', async () => {
    const reply = await http.call('HEAD', '/get?key=k');
    expect([reply.status, reply.text]).toEqual([200, '']);
  });

  it.each([
    ['/get', 'key is missing'],
    ['/get?kee=a', 'unknown parameter "kee".*: key, consistency, min_revision, encoding'],
    ['/get?key=a&key=b', '"key" is given twice'],
    ['/get?key=a&consistency=strong', '"strong".*linearizable, lease, eventual'],
    ['/get?key=a&min_revision=-1', 'min_revision "-1"'],
    ['/get?key=a&min_revision=1.5', 'min_revision "1.5"'],
    ['/get?key=a&min_revision=9007199254740992', 'min_revision "9007199254740992"'],
    ['/get?key=a&min_revision=', 'min_revision ""'],
    ['/get?key=a&encoding=hex', 'encoding "hex".*utf8, base64'],
  ])('refuses %s', async (path, message) => {
    const reply = await http.get(path);
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toMatch(new RegExp(message));
    expect(http.store.calls).toEqual([]);
  });
});

describe('default_policy with allow_client_override = false', () => {
  it('refuses another explicit policy and serves the same one', async () => {
    const strict = await HttpFixture.start({
      allowClientOverride: false,
      defaultConsistency: 'lease',
    });
    const refused = await strict.get('/get?key=a&consistency=linearizable');
    expect(refused.status).toBe(400);
    expect(refused.error()).toMatchObject({ code: 4003 });
    expect((await strict.get('/get?key=a&consistency=LeaseRead')).status).toBe(200);
    expect((await strict.get('/get?key=a')).status).toBe(200);
    await strict.stop();
  });
});

describe('POST /delete', () => {
  it('says whether the key was there', async () => {
    await put('gone', 'x');
    const first = await http.post('/delete', { key: 'gone' });
    expect(first.text).toBe(`{"deleted":true,"revision":${http.store.revision}}\n`);
    const second = await http.post('/delete', { key: 'gone' });
    expect(second.json()).toEqual({ deleted: false, revision: http.store.revision });
    expect(second.status).toBe(200);
  });

  it('knows no field but key', async () => {
    const reply = await http.post('/delete', { key: 'a', prefix: true });
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toBe('unknown field "prefix"; fields of POST /delete: key');
  });
});

describe('POST /cas', () => {
  it('swaps when the value is the expected one', async () => {
    await put('c', 'old');
    const reply = await http.post('/cas', { key: 'c', expected: 'old', value: 'new' });
    expect(reply.json()).toEqual({ succeeded: true, revision: http.store.revision });
    expect((await http.get('/get?key=c')).json()['value']).toBe('new');
  });

  it('answers what it found instead, and 200', async () => {
    await put('c', 'x');
    const reply = await http.post('/cas', { key: 'c', expected: 'y', value: 'z' });
    expect(reply.status).toBe(200);
    expect(reply.text).toBe(
      `{"succeeded":false,"current":"x","revision":${http.store.revision}}\n`,
    );
    const absent = await http.post('/cas', { key: 'none', expected: 'y', value: 'z' });
    expect(absent.json()).toMatchObject({ succeeded: false, current: null });
  });

  it('takes null: must not exist, and delete', async () => {
    const create = { key: 'n', expected: null, value: 'v' };
    expect((await http.post('/cas', create)).json()['succeeded']).toBe(true);
    expect((await http.post('/cas', create)).json()).toMatchObject({ current: 'v' });
    const remove = { key: 'n', expected: 'v', value: null };
    expect((await http.post('/cas', remove)).json()['succeeded']).toBe(true);
    expect((await http.get('/get?key=n')).json()['value']).toBeNull();
  });

  it('handles bytes in base64, also what it found', async () => {
    await http.store.put('b', Uint8Array.of(0xff));
    const wrong = await http.post('/cas', { key: 'b', expected: 'text', value: 'x' });
    expect(wrong.json()).toMatchObject({ current: '/w==', encoding: 'base64' });
    const swap = { key: 'b', expected: '/w==', value: '/g==', encoding: 'base64' };
    expect((await http.post('/cas', swap)).json()['succeeded']).toBe(true);
  });

  it.each([
    [{ key: 'k', value: 'v' }, '"expected" is missing.*null means: the key must not exist'],
    [{ key: 'k', expected: null }, '"value" is missing.*null means: delete the key'],
    [{ key: 'k', expected: 1, value: 'v' }, '"expected" must be a string or null'],
    [{ key: 'k', expected: null, value: 'v', ttl_ms: -1 }, 'whole number'],
  ])('refuses %j', async (body, message) => {
    const reply = await http.post('/cas', body);
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toMatch(new RegExp(message));
  });
});
