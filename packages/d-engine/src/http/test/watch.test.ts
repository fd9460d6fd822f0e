import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http';
import { DEngineError } from '@d-engine/base';
import type { OpenWatch, WatcherRequest, WatchNotice } from '@d-engine/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HttpFixture } from './http-fixture.ts';

const historyId = '0123456789abcdef0123456789abcdef';
const token = (revision: number) => ({ historyId, revision });

/** A watch whose notices a test puts in. */
class Script implements OpenWatch {
  readonly request: WatcherRequest;
  readonly wake: () => void;
  readonly notices: WatchNotice[] = [];
  isClosed = false;

  constructor(request: WatcherRequest, wake: () => void) {
    this.request = request;
    this.wake = wake;
  }

  next(): WatchNotice | undefined {
    return this.notices.shift();
  }

  close(): void {
    this.isClosed = true;
  }

  tell(...notices: WatchNotice[]): void {
    this.notices.push(...notices);
    this.wake();
  }
}

/** A caller that reads the stream as text. */
class Caller {
  text = '';
  status = 0;
  headers: IncomingMessage['headers'] = {};
  hasEnded = false;
  readonly request: ClientRequest;
  response: IncomingMessage | undefined;

  constructor(port: number, path: string, headers: Readonly<Record<string, string>> = {}) {
    this.request = httpGet({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      this.response = response;
      this.status = response.statusCode ?? 0;
      this.headers = response.headers;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        this.text += chunk;
      });
      response.on('end', () => {
        this.hasEnded = true;
      });
      response.on('error', () => undefined);
    });
    this.request.on('error', () => undefined);
  }
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(holds()).toBe(true);
}

let http: HttpFixture;
let opened: Script[];
beforeEach(async () => {
  http = await HttpFixture.start();
  opened = [];
  http.watches = {
    open: (request, wake) => {
      const script = new Script(request, wake);
      opened.push(script);
      return script;
    },
  };
});
afterEach(() => http.stop());

async function watch(path: string, headers?: Readonly<Record<string, string>>) {
  const caller = new Caller(http.port, path, headers);
  await until(() => opened.length > 0);
  return { caller, script: opened.at(-1) as Script };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

it('tells ready, then events, with an id that a watch can go on from', async () => {
  const { caller, script } = await watch('/watch?prefix=a/');
  script.tell(
    { type: 'ready', token: token(7) },
    {
      type: 'events',
      token: token(8),
      events: [
        { type: 'put', key: bytes('a/1'), value: bytes('x'), previous: undefined },
        { type: 'delete', key: bytes('a/2'), value: null, previous: undefined },
      ],
    },
    { type: 'progress', token: token(9) },
  );
  await until(() => caller.text.includes('progress'));
  expect(caller.status).toBe(200);
  expect(caller.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  // Only the end of a revision has an id: from its middle nobody can go on.
  expect(caller.text).toBe(`event: ready
id: ${historyId}-7
data: {"revision":7}

event: put
data: {"key":"a/1","value":"x","revision":8}

event: delete
id: ${historyId}-8
data: {"key":"a/2","revision":8}

event: progress
id: ${historyId}-9
data: {"revision":9}

`);
  expect(script.request).toMatchObject({
    selection: { type: 'range', start: bytes('a/'), end: bytes('a0') },
    after: undefined,
    previousValues: false,
  });
});

it('tells previous values, and bytes that are no text as base64', async () => {
  const { caller, script } = await watch('/watch?key=a&prev=true');
  const key = Buffer.from([0xff]);
  script.tell({
    type: 'events',
    token: token(3),
    events: [
      { type: 'put', key, value: Buffer.from([0xfe]), previous: null },
      { type: 'put', key: bytes('a'), value: bytes(''), previous: Buffer.from([0xfd]) },
    ],
  });
  await until(() => caller.text.includes('prev_encoding'));
  const data = [...caller.text.matchAll(/^data: (.*)$/gm)].map(([, json]): unknown =>
    JSON.parse(`${json}`),
  );
  expect(data).toEqual([
    {
      key: '/w==',
      key_encoding: 'base64',
      value: '/g==',
      encoding: 'base64',
      revision: 3,
      prev_value: null,
    },
    { key: 'a', value: '', revision: 3, prev_value: '/Q==', prev_encoding: 'base64' },
  ]);
  expect(script.request.previousValues).toBe(true);
});

it('goes on from the last id of a browser, before what the address says', async () => {
  const { script } = await watch('/watch?key=a&from_revision=3', {
    'last-event-id': `${historyId}-12`,
  });
  expect(script.request.after).toEqual(token(12));
});

it.each([
  ['/watch?key=a&from_revision=3', { revision: 3 }],
  [`/watch?key=a&from_revision=${historyId}-4`, token(4)],
  ['/watch?start=a&end=b', undefined],
  ['/watch?prefix=', undefined],
])('%s is understood', async (path, after) => {
  const { script } = await watch(path);
  expect(script.request.after).toEqual(after);
});

it.each([
  ['/watch', {}],
  ['/watch?key=a&prefix=b', {}],
  ['/watch?key=a&from_revision=-1', {}],
  ['/watch?key=a&from_revision=x', {}],
  ['/watch?key=a&prev=perhaps', {}],
  ['/watch?key=a&since=1', {}],
  ['/watch?key=a', { 'last-event-id': 'seven' }],
])('%s %j is refused', async (path, headers) => {
  const reply = await http.get(path, { headers });
  expect(reply.status).toBe(400);
  expect(reply.error()).toMatchObject({ name: 'InvalidRequest' });
  expect(opened).toEqual([]);
});

it('answers 410 with the revision to read at, when the events are no longer kept', async () => {
  const compacted = new DEngineError('WatchCompacted', 'gone', { resumeAt: token(90) });
  http.watches = { open: () => compacted };
  const reply = await http.get('/watch?key=a&from_revision=3');
  expect(reply.status).toBe(410);
  expect(reply.error()).toMatchObject({
    code: 10030,
    name: 'WatchCompacted',
    revision: 90,
    resume_token: `${historyId}-90`,
  });
});

it('a canceled watch tells why, and ends', async () => {
  const { caller, script } = await watch('/watch?key=a');
  script.tell({ type: 'canceled', error: new DEngineError('WatchBufferOverflow', 'too slow') });
  await until(() => caller.hasEnded);
  expect(caller.text).toMatch(/^event: canceled\ndata: {"error":{"code":5001,/);
  expect(caller.text).not.toContain('id:');
});

it('a caller that goes away ends its watch', async () => {
  const { caller, script } = await watch('/watch?key=a');
  script.tell({ type: 'ready', token: token(1) });
  await until(() => caller.text.includes('ready'));
  caller.request.destroy();
  await until(() => script.isClosed);
});

it('a caller that does not read is not written to, and hears all once it does', async () => {
  const { caller, script } = await watch('/watch?key=a');
  script.tell({ type: 'ready', token: token(1) });
  await until(() => caller.text.includes('ready'));
  caller.response?.pause();
  const value = bytes('x'.repeat(100_000));
  const last = 400;
  for (let revision = 2; revision <= last; revision++) {
    const event = { type: 'put', key: bytes('a'), value, previous: undefined } as const;
    script.tell({ type: 'events', token: token(revision), events: [event] });
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(script.notices.length).toBeGreaterThan(100);
  caller.response?.resume();
  await until(() => caller.text.includes(`"revision":${last}}`));
  const revisions = [...caller.text.matchAll(/"revision":(\d+)/g)].map(([, digits]) =>
    Number(digits),
  );
  expect(revisions).toEqual(Array.from({ length: last }, (_, at) => at + 1));
});

it('HEAD tells the head alone', async () => {
  const reply = await http.call('HEAD', '/watch?key=a');
  expect([reply.status, reply.text]).toEqual([200, '']);
  await until(() => opened[0]?.isClosed === true);
});
