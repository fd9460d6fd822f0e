import { get as httpGet } from 'node:http';
import {
  decodeMembershipSnapshot,
  decodeWatchResponse,
  encodeWatchMembershipRequest,
  encodeWatchRequest,
  type WatchRequest,
  type WatchResponse,
} from '@d-engine/wire';
import { credentials, makeGenericClientConstructor, status } from '@grpc/grpc-js';
import type { WatchBatch } from 'd-engine/client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { LocalCluster } from '../../../tools/cluster/local-cluster.ts';
import { clientOf, repositoryRoot } from './support/cluster-kit.ts';

// Watches as others see them: gRPC of another implementation, server-sent events, our own client.

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.create({ root: repositoryRoot });
  const environment = { RAFT__RAFT__WATCH__WATCHER_BUFFER_SIZE: '1000' };
  for (const id of cluster.ids) cluster.start(id, environment);
  await cluster.waitUntilSettled();
});
afterAll(() => cluster.dispose());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const method = (name: string) => ({
  path: `/d_engine.client.RaftClientService/${name}`,
  requestStream: false,
  responseStream: true,
  requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
  responseDeserialize: (bytes: Buffer) => bytes,
});
const Foreign = makeGenericClientConstructor({}, 'foreign');

interface Heard<Message> {
  readonly messages: Message[];
  readonly end: Promise<number>;
  cancel(): void;
  pause(): void;
  resume(): void;
}

/** A server stream of grpc-js. */
function hear<Message>(
  address: string,
  name: string,
  request: Uint8Array,
  decode: (bytes: Buffer) => Message,
): Heard<Message> {
  // A connection of its own: on a shared one, who does not read uses up the window of all.
  const alone = { 'grpc.use_local_subchannel_pool': 1 };
  const client = new Foreign(address, credentials.createInsecure(), alone);
  onTestFinished(() => client.close());
  const { path, requestSerialize, responseDeserialize } = method(name);
  const stream = client.makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    request,
  );
  const messages: Message[] = [];
  const end = new Promise<number>((resolve) => {
    stream.on('status', ({ code }: { code: number }) => resolve(code));
  });
  stream.on('data', (bytes: Buffer) => messages.push(decode(bytes)));
  stream.on('error', () => undefined);
  return {
    messages,
    end,
    cancel: () => stream.cancel(),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
  };
}

/** What the original's clients send. */
const original = { historyId: '', progressIntervalMs: 0, announce: false } as const;
const watch = (address: string, request: Partial<WatchRequest>): Heard<WatchResponse> => {
  const all = { clientId: 1, key: Buffer.from(''), prefix: false, prevKv: false, ...original };
  const bytes = encodeWatchRequest({ ...all, ...request });
  return hear(address, 'Watch', bytes, decodeWatchResponse);
};

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_000 && !holds(); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(holds()).toBe(true);
}

const line = ({ eventType, key, value, previousValue }: WatchResponse): string =>
  `${eventType} ${text(key)} ${text(value)} ${text(previousValue)}`;

test('another implementation watches as the original has it, on any member', async () => {
  const client = clientOf(cluster);
  const heard = cluster.ids.map((id) =>
    watch(cluster.address(id), { key: Buffer.from('/svc/'), prefix: true, prevKv: true }),
  );
  // There is no sign that a watch stands: the first event is waited for.
  let tries = 0;
  while (heard.some(({ messages }) => messages.length === 0)) {
    await client.put('/svc/0', String(tries++));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await client.put('/svc/a', 'one');
  await client.put('/svc/a', 'two');
  await client.put('/svcs', 'another');
  await client.delete('/svc/a');
  const last = await client.put('/svc/', 'the prefix itself');
  for (const { messages } of heard) {
    await until(() => messages.at(-1)?.revision === last.revision);
    const events = messages.filter(({ key }) => text(key) !== '/svc/0');
    expect(events.map(line)).toEqual([
      'put /svc/a one ',
      'put /svc/a two one',
      'delete /svc/a  two',
      'put /svc/ the prefix itself ',
    ]);
    expect(events.every(({ errorCode, more }) => errorCode === 0 && !more)).toBe(true);
  }
  for (const one of heard) one.cancel();
  expect(await heard[0]?.end).toBe(status.CANCELLED);
});

test('what is kept no longer is CANCELED with a place; nonsense is refused', async () => {
  const client = clientOf(cluster);
  const [id] = cluster.ids;
  const address = cluster.address(id as number);
  const { revision } = await client.put('x', 'y');
  const historyId = '0'.repeat(32);
  const stale = watch(address, { key: Buffer.from('x'), afterRevision: 1, historyId });
  expect(await stale.end).toBe(status.OK);
  expect(stale.messages).toMatchObject([{ eventType: 'canceled', errorCode: 10030 }]);
  expect(stale.messages[0]?.revision).toBeGreaterThanOrEqual(revision - 1);
  const long = watch(address, { key: Buffer.alloc(70_000) });
  expect(await long.end).toBe(status.INVALID_ARGUMENT);
  const garbage = hear(address, 'Watch', Buffer.from([0xff, 0xff]), decodeWatchResponse);
  expect(await garbage.end).toBe(status.INVALID_ARGUMENT);
});

test('who does not read is canceled, nothing skipped, and the others go on', async () => {
  const client = clientOf(cluster);
  const leader = (await cluster.waitUntilSettled()).node_id;
  const address = cluster.address(leader);
  const key = Buffer.from('busy');
  const slow = watch(address, { key, announce: true });
  const fast = watch(address, { key, announce: true });
  await until(() => slow.messages.length > 0 && fast.messages.length > 0);
  slow.pause();
  const value = 'x'.repeat(4_000);
  const count = 3_000;
  for (let done = 0; done < count; done += 200) {
    await Promise.all(Array.from({ length: 200 }, () => client.put('busy', value)));
    // It shares this process with the writer, which must not outrun it.
    await until(() => fast.messages.length > done + 200);
  }
  slow.resume();
  await slow.end;
  const revisions = (heard: Heard<WatchResponse>): number[] =>
    heard.messages.filter(({ eventType }) => eventType === 'put').map(({ revision }) => revision);
  const all = revisions(fast);
  expect(all).toHaveLength(count);
  expect(slow.messages.at(-1)).toMatchObject({ eventType: 'canceled', errorCode: 5001 });
  // A beginning of what the others heard, without a hole.
  expect(revisions(slow)).toEqual(all.slice(0, revisions(slow).length));
}, 120_000);

test('the members are told at once', async () => {
  const [id] = cluster.ids;
  const request = encodeWatchMembershipRequest({ clientId: 1 });
  const address = cluster.address(id as number);
  const heard = hear(address, 'WatchMembership', request, decodeMembershipSnapshot);
  await until(() => heard.messages.length > 0);
  expect(heard.messages[0]).toMatchObject({ members: cluster.ids, learners: [] });
});

test('server-sent events go on from an id at another member', async () => {
  const client = clientOf(cluster);
  const read = (id: number, headers = {}): { text: () => string } => {
    let all = '';
    const [host, port] = cluster.address(id).split(':');
    const path = '/watch?prefix=sse/';
    const request = httpGet({ host, port, path, headers, agent: false }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        all += chunk;
      });
      response.on('error', () => undefined);
    });
    request.on('error', () => undefined);
    onTestFinished(() => void request.destroy());
    return { text: () => all };
  };
  const [one, other] = cluster.ids as [number, number];
  const first = read(one);
  await until(() => first.text().includes('event: ready'));
  await client.put('sse/a', '1');
  await until(() => first.text().includes('event: put'));
  const [, id] = /event: put\nid: (\S+)/.exec(first.text()) ?? [];
  await client.put('sse/a', '2');
  await client.delete('sse/a');
  const second = read(other, { 'last-event-id': id });
  await until(() => second.text().includes('event: delete'));
  const data = [...second.text().matchAll(/event: (put|delete)\n.*\ndata: (.*)/g)];
  const told = data.map(([, type, json]): [unknown, unknown] => [type, JSON.parse(String(json))]);
  expect(told).toMatchObject([
    ['put', { key: 'sse/a', value: '2' }],
    ['delete', { key: 'sse/a' }],
  ]);
});

test('a watch of our client outlives the leader without a gap', async () => {
  const client = clientOf(cluster);
  const heard: WatchBatch[] = [];
  const controller = new AbortController();
  const follow = async (): Promise<void> => {
    const options = { signal: controller.signal, progressIntervalMs: 500 };
    for await (const batch of client.watch({ prefix: 'f/' }, options)) heard.push(batch);
  };
  const following = follow();
  await until(() => heard.length > 0);
  const written: number[] = [];
  for (let round = 0; round < 3; round++) {
    const leader = (await cluster.waitUntilSettled()).node_id;
    for (let number = 0; number < 20; number++) {
      written.push((await client.put(`f/${number}`, String(round))).revision);
    }
    await cluster.kill(leader);
    // Its death is no reason to lose what the others go on to do.
    await until(() => heard.length > 0);
    const late = await client.put('f/late', 'x', { deadlineMs: 20_000 });
    written.push(late.revision);
    cluster.start(leader);
  }
  await until(
    () =>
      heard.at(-1)?.token.revision === written.at(-1) ||
      heard.some(({ token }) => token.revision >= (written.at(-1) ?? 0)),
  );
  controller.abort();
  await following;
  const told = heard.filter(({ type }) => type === 'events').map(({ token }) => token.revision);
  expect(heard.filter(({ type }) => type === 'resync')).toEqual([]);
  expect(told).toEqual(written);
}, 120_000);
