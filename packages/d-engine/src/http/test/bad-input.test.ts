import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HttpFixture } from './http-fixture.ts';

let http: HttpFixture;
beforeAll(async () => {
  http = await HttpFixture.start();
});
// Whatever a test sent: the server goes on, and nothing was written.
afterEach(async () => {
  expect(http.store.calls.filter(({ operation }) => operation !== 'read')).toEqual([]);
  expect((await http.get('/get?key=alive')).status).toBe(200);
});
afterAll(() => http.stop());

describe('a body that is refused', () => {
  it.each([
    ['{"key":"a","value":', 'line 1, column 20: the text ends, but a value is expected here'],
    ['{\n "key": "a",\n}', 'line 3, column 1: a key in double quotes is expected here'],
    ["{'key':'a'}", 'line 1, column 2: a key in double quotes'],
    ['{"key":"a"} x', 'line 1, column 13: text after the end'],
    ['{"key":"a","key":"b","value":""}', 'column 12: field "key" is given twice'],
    ['key=a&value=b', 'line 1, column 1: a value is expected here'],
    ['', 'the body is empty'],
    [' \n', 'the body is empty'],
    ['[]', 'must be a JSON object'],
    ['null', 'must be a JSON object'],
    ['"text"', 'must be a JSON object'],
    ['{"value":"v"}', '"key" is missing'],
    ['{"key":"a"}', '"value" is missing'],
    ['{"key":1,"value":"v"}', '"key" must be a string, not a number'],
    ['{"key":"a","value":null}', '"value" must be a string, not null'],
    ['{"key":"a","value":["v"]}', '"value" must be a string, not an array'],
    ['{"key":"a","value":{}}', '"value" must be a string, not an object'],
    ['{"key":"a","value":"v","x":1}', 'unknown field "x"; fields of POST /put: key, value, encod'],
    ['{"__proto__":{},"key":"a","value":"v"}', 'unknown field "__proto__"'],
    ['{"key":"a","value":"v","encoding":"hex"}', 'encoding "hex" is not known'],
    ['{"key":"a","value":"v","encoding":null}', 'encoding null is not known'],
    ['{"key":"a","value":"a","encoding":"base64"}', '"value" is not base64'],
    ['{"key":"a","value":"_w==","encoding":"base64"}', '"value" is not base64'],
    ['{"key":"\\ud800","value":"v"}', 'half of a surrogate pair'],
    ['{"key":"a","value":"\\udc00"}', 'half of a surrogate pair'],
  ])('%s', async (body, message) => {
    const reply = await http.post('/put', body);
    expect(reply.status).toBe(400);
    expect(reply.error()).toMatchObject({
      code: 4003,
      name: 'InvalidRequest',
      retryable: false,
      may_have_been_applied: false,
      retry_after_ms: null,
      leader: null,
    });
    expect(reply.error()['message']).toContain(message);
  });

  it('that is not UTF-8', async () => {
    const body = Buffer.concat([Buffer.from('{"key":"'), Buffer.of(0xff), Buffer.from('"}')]);
    const reply = await http.post('/put', body);
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toMatch(/not UTF-8/);
  });

  it('nested without end', async () => {
    const reply = await http.post('/put', '['.repeat(1_000_000));
    expect(reply.error()['message']).toMatch(/line 1, column 1000001/);
  });

  it('that is compressed', async () => {
    const headers = { 'content-encoding': 'gzip' };
    const reply = await http.post('/put', 'x', { headers });
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toMatch(/content-encoding "gzip"/);
  });

  it('with parameters beside it', async () => {
    const reply = await http.post('/put?key=a', { key: 'a', value: 'v' });
    expect(reply.status).toBe(400);
    expect(reply.error()['message']).toBe('unknown parameter "key"; parameters of POST /put: none');
  });
});

describe('routes', () => {
  it('that are unknown: 404 with those that there are', async () => {
    for (const path of ['/', '/putt', '/put/', '/PUT', '/get/../put', '/%70ut', '/metrics']) {
      const reply = await http.get(path);
      expect([path, reply.status]).toEqual([path, 404]);
      expect(reply.error()).toMatchObject({ code: 10003, name: 'NotFound' });
      expect(reply.error()['message']).toContain('POST /put, ');
    }
  });

  it.each([
    ['GET', '/put', 'POST'],
    ['PUT', '/put', 'POST'],
    ['DELETE', '/delete', 'POST'],
    ['POST', '/get?key=a', 'GET, HEAD'],
    ['POST', '/status', 'GET, HEAD'],
    ['OPTIONS', '/health', 'GET, HEAD'],
    ['GET', '/promote', 'POST'],
    ['POST', '/watch', 'GET, HEAD'],
  ])('%s %s: 405 with Allow: %s', async (method, path, allow) => {
    const reply = await http.call(method, path, { headers: { 'content-length': '0' } });
    expect(reply.status).toBe(405);
    expect(reply.headers.allow).toBe(allow);
    expect(reply.error()).toMatchObject({ code: 10004, name: 'MethodNotAllowed' });
  });
});

describe('what is not HTTP/1.1', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', '400 Bad Request'],
    ['a line without end', `GET /${'a'.repeat(70_000)}`, '431 Request Header Fields'],
    ['headers without end', `GET / HTTP/1.1\r\nx: ${'a'.repeat(70_000)}`, '431 Request Header'],
    ['a broken header', 'GET / HTTP/1.1\r\nno colon\r\n\r\n', '400 Bad Request'],
    [
      'two lengths',
      'POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      '400 Bad Request',
    ],
    [
      'length and chunks',
      'POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n' +
        'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400 Bad Request',
    ],
    [
      'a chunk without a length',
      'POST /put HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '400 Bad Request',
    ],
  ])('%s', async (_what, text, status) => {
    const answer = await http.raw(text);
    expect(answer).toContain(`HTTP/1.1 ${status}`);
    expect(answer).toContain('connection: close\r\n');
    const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
    expect(body.endsWith('}}\n')).toBe(true);
    expect(JSON.parse(body)).toMatchObject({ error: { may_have_been_applied: false } });
  });

  it('a bad request behind a good one does not take the answer of the good one', async () => {
    const good = 'GET /get?key=a HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answer = await http.raw(`${good}nonsense\r\n\r\n`);
    expect(answer).not.toMatch(/^HTTP\/1.1 400/);
  });
});
