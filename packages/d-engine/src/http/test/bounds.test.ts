import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpFixture } from './http-fixture.ts';

const started: HttpFixture[] = [];
async function start(...options: Parameters<typeof HttpFixture.start>): Promise<HttpFixture> {
  const http = await HttpFixture.start(...options);
  started.push(http);
  return http;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((http) => http.stop()));
});

const quick = {
  headersTimeoutMs: 200,
  requestTimeoutMs: 200,
  timeoutCheckIntervalMs: 50,
  keepAliveTimeoutMs: 100,
};

/** Sends text and collects what comes back. */
function open(http: HttpFixture, text: string): { socket: Socket; received: () => string } {
  let received = '';
  const socket = connect(http.port, '127.0.0.1', () => socket.write(text));
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('utf8');
  });
  socket.on('error', () => undefined);
  return { socket, received: () => received };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !condition(); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(condition()).toBe(true);
}

const getAlive = 'GET /get?key=a HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('a body over the limit', () => {
  it('of a bearable length leaves the connection usable', async () => {
    const http = await start({ bodyBytesMax: 1000 });
    const length = 100_000;
    const head = `POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
    const { socket, received } = open(http, `${head}${'x'.repeat(length)}${getAlive}`);
    await until(() => received().includes('"consistency"'));
    expect(received()).toMatch(/^HTTP\/1.1 413 Payload Too Large/);
    expect(received()).toContain('"code":10002');
    expect(received()).toContain('over the limit of 1000 bytes');
    expect(received()).not.toContain('onnection: close');
    socket.destroy();
  });

  it('without end is answered and closed, never kept', async () => {
    const http = await start({ bodyBytesMax: 1000 }, { discardBytesMax: 200_000 });
    const head = 'POST /put HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n';
    const { socket, received } = open(http, head);
    await until(() => socket.bytesWritten > 0);
    const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`;
    const timer = setInterval(() => socket.write(chunk), 1);
    await new Promise((resolve) => socket.on('close', resolve));
    clearInterval(timer);
    expect(received()).toMatch(/^HTTP\/1.1 413 /);
    expect(received().toLowerCase()).toContain('connection: close');
  });

  it('announced too large is answered before it is sent', async () => {
    const http = await start({ bodyBytesMax: 1000 });
    const length = 10_000_000_000;
    const head = `POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n`;
    for (const expectation of ['', 'Expect: 100-continue\r\n']) {
      const { socket, received } = open(http, `${head}${expectation}\r\n`);
      await until(() => received().endsWith('}}\n'));
      expect(received()).toMatch(/^HTTP\/1.1 413 /);
      expect(received().toLowerCase()).toContain('connection: close');
      socket.destroy();
    }
  });

  it('is read on when the caller wants the connection closed after the answer', async () => {
    const http = await start({ bodyBytesMax: 1000 });
    const head = 'POST /put HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
    const { socket, received } = open(http, `${head}Content-Length: 300000\r\n\r\n`);
    const failures: Error[] = [];
    socket.on('error', (error) => failures.push(error));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await until(() => received().endsWith('}}\n'));
    for (let sent = 0; sent < 300_000; sent += 10_000) {
      socket.write('x'.repeat(10_000));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await closed;
    expect(failures).toEqual([]);
    expect(received()).toMatch(/^HTTP\/1.1 413 /);
  });

  it('of all requests together is refused with 429', async () => {
    const http = await start({}, { bodyBytesInFlightMax: 1_000 });
    const head = 'POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n';
    const slow = open(http, `${head}${'x'.repeat(800)}`);
    await until(() => slow.socket.bytesWritten > 800);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await http.post('/put', { key: 'a', value: 'v'.repeat(500) });
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('1');
    slow.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await http.post('/put', { key: 'a', value: 'v'.repeat(500) })).status).toBe(200);
  });
});

describe('Expect: 100-continue', () => {
  it('asks for the body only after the checks', async () => {
    const http = await start();
    const body = '{"key":"a","value":"b"}';
    const head = `POST /put HTTP/1.1\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n`;
    const good = open(http, `${head}Host: localhost\r\n\r\n`);
    await until(() => good.received().startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    good.socket.write(body);
    await until(() => good.received().includes('{"revision":'));
    good.socket.destroy();
    const refused = open(http, `${head}Host: evil.example\r\n\r\n`);
    await until(() => refused.received().includes('}}\n'));
    expect(refused.received()).toMatch(/^HTTP\/1.1 403 /);
    refused.socket.destroy();
  });
});

describe('slow callers', () => {
  it.each([
    ['headers', 'GET /get?key=a HTTP/1.1\r\nHost: loc', 'HTTP/1.1 408 Request Timeout'],
    [
      'a body',
      'POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{"key"',
      'HTTP/1.1 408 Request Timeout',
    ],
    ['nothing after an answer', getAlive, 'HTTP/1.1 200 OK'],
  ])('%s: the connection ends', async (_what, text, status) => {
    const http = await start({}, quick);
    const answer = await http.raw(text);
    expect(answer).toContain(status);
    expect((await http.get('/get?key=a')).status).toBe(200);
  });
});

describe('too many', () => {
  it('connections: the next one is told to come back', async () => {
    const http = await start({}, { connectionsMax: 2 });
    const held = [open(http, getAlive), open(http, getAlive)];
    await until(() => held.every(({ received }) => received().includes('"consistency"')));
    const answer = await http.raw(getAlive);
    expect(answer).toMatch(/^HTTP\/1.1 429 Too Many Requests/);
    expect(answer).toContain('retry-after: 1');
    for (const { socket } of held) socket.destroy();
    await until(() => http.counted.get('d_engine_http_connections_refused_total') === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await http.get('/get?key=a')).status).toBe(200);
  });

  it('requests that wait for answers: the next one is refused', async () => {
    const http = await start({}, { requestsInFlightMax: 2 });
    let release = (): void => undefined;
    http.store.gate = new Promise((resolve) => {
      release = resolve;
    });
    const waiting = [http.get('/get?key=a'), http.get('/get?key=a')];
    await until(() => http.store.calls.length === 2);
    expect((await http.get('/get?key=a')).status).toBe(429);
    release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await http.get('/get?key=a')).status).toBe(200);
  });
});

describe('a caller that goes away', () => {
  it('cancels its request', async () => {
    const http = await start();
    http.store.gate = new Promise(() => undefined);
    const { socket } = open(http, getAlive);
    await until(() => http.store.calls.length === 1);
    socket.destroy();
    await until(() => http.store.calls[0]?.options.signal?.aborted === true);
  });

  it('in the middle of its body leaves the server unharmed', async () => {
    const http = await start();
    const head = 'POST /put HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{"key"';
    const { socket } = open(http, head);
    await until(() => socket.bytesWritten > 0);
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.resetAndDestroy();
    expect((await http.get('/get?key=a')).status).toBe(200);
    expect(http.store.calls.map(({ operation }) => operation)).toEqual(['read']);
  });
});

describe('one connection', () => {
  it('carries many requests, also sent all at once', async () => {
    const http = await start();
    const { socket, received } = open(http, getAlive.repeat(50));
    await until(() => received().split('HTTP/1.1 200 OK').length === 51);
    socket.destroy();
  });
});

describe('close', () => {
  it('ends idle connections at once and lets requests in progress finish', async () => {
    const http = await start();
    const idle = open(http, getAlive);
    await until(() => idle.received().includes('"consistency"'));
    let release = (): void => undefined;
    http.store.gate = new Promise((resolve) => {
      release = resolve;
    });
    const agent = new Agent({ keepAlive: true });
    const busy = new Promise<string>((resolve, reject) => {
      const target = { port: http.port, path: '/get?key=a', agent, host: '127.0.0.1' };
      const call = request(target, (response) => {
        response.resume();
        resolve(`${response.statusCode} ${response.headers.connection}`);
      });
      call.on('error', reject);
      call.end();
    });
    await until(() => http.store.calls.length === 2);
    const closed = http.api.close(5_000);
    await until(() => idle.socket.closed);
    release();
    expect(await busy).toBe('200 close');
    await closed;
    agent.destroy();
  });

  it('cuts what takes longer than the grace', async () => {
    const http = await start();
    http.store.gate = new Promise(() => undefined);
    const { socket } = open(http, getAlive);
    await until(() => http.store.calls.length === 1);
    await http.api.close(50);
    await until(() => socket.closed);
    await expect(http.get('/get?key=a')).rejects.toThrow(/hang up|ECONNRESET/);
    await http.api.close(50);
  });
});
