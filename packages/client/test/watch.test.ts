import type { IncomingStream, Service, StreamHandler, WatchBatch } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import type { WatchRequest, WatchResponse } from '@d-engine/wire';
import {
  decodeWatchRequest,
  encodeMembershipSnapshot,
  encodeNodeStatus,
  encodeWatchResponse,
  methods,
  toFailure,
} from '@d-engine/wire';
import { expect, test } from 'vitest';
import type { Client } from '../src/index.ts';
import { createClient } from '../src/index.ts';
import { memberStatus } from './member-status.ts';

const historyId = '0123456789abcdef0123456789abcdef';
const empty = new Uint8Array(0);
const blank: WatchResponse = {
  key: empty,
  value: empty,
  eventType: 'put',
  errorCode: 0,
  revision: 0,
  previousValue: empty,
  historyId: '',
  more: false,
  hadValue: false,
};

const progress = (revision: number): Partial<WatchResponse> => ({
  eventType: 'progress',
  revision,
  historyId,
});
const put = (revision: number, more = false): Partial<WatchResponse> => ({
  key: Buffer.from('k'),
  value: Buffer.from(`v${revision}`),
  revision,
  more,
});

/** A member whose streams a test writes. */
class Member implements Service {
  readonly requests: WatchRequest[] = [];
  /** Of the streams, the newest. */
  stream: IncomingStream | undefined;
  /** Instead of a stream. */
  refusal: DEngineError | undefined;
  openCount = 0;

  onCall(call: Parameters<Service['onCall']>[0]): void {
    if (call.method === methods.status)
      call.reply(encodeNodeStatus(memberStatus({ role: 'leader' })));
    else call.fail({ status: 'unimplemented', message: call.method });
  }

  onStream(stream: IncomingStream): StreamHandler {
    this.openCount += 1;
    return {
      onMessage: (message) => {
        if (this.refusal !== undefined) {
          stream.reset(toFailure(this.refusal));
          return;
        }
        this.stream = stream;
        if (stream.method === methods.watch) this.requests.push(decodeWatchRequest(message));
      },
      onClose: () => {
        this.openCount -= 1;
      },
    };
  }

  tell(...responses: Partial<WatchResponse>[]): void {
    for (const response of responses) this.send(encodeWatchResponse({ ...blank, ...response }));
  }

  send(message: Uint8Array): void {
    this.stream?.send(message);
  }
}

async function setUp(names: readonly string[] = ['n1', 'n2']): Promise<{
  world: VirtualWorld;
  members: Member[];
  client: Client;
}> {
  const world = new VirtualWorld({ seed: 1 });
  const members: Member[] = [];
  for (const name of names) {
    const member = new Member();
    members.push(member);
    await world.complete(world.host(name).env.network.listen(`${name}:9081`, member));
  }
  const client = createClient({
    ...world.host('client').env,
    endpoints: names.map((name) => `${name}:9081`),
  });
  return { world, members, client };
}

/** The member that serves the watch now. */
async function serving(world: VirtualWorld, members: readonly Member[], count: number) {
  const isAsked = (): boolean =>
    members.reduce((sum, { requests }) => sum + requests.length, 0) >= count;
  if (!(await world.run({ until: isAsked, limitMs: 20_000 }))) throw new Error('nobody is asked');
  return members.find(({ openCount, stream }) => openCount > 0 && stream !== undefined) as Member;
}

const line = (batch: WatchBatch | undefined): string => {
  if (batch === undefined) return 'end';
  const { revision } = batch.token;
  if (batch.type !== 'events') return `${batch.type} ${revision}`;
  const values = batch.events.map(({ value }) => Buffer.from(value ?? empty).toString());
  return `${revision}: ${values.join(',')}`;
};

async function lines(
  world: VirtualWorld,
  watch: AsyncIterator<WatchBatch>,
  count: number,
): Promise<string[]> {
  const list: string[] = [];
  while (list.length < count) {
    const { value } = (await world.complete(watch.next())) as { value: WatchBatch | undefined };
    list.push(line(value));
  }
  return list;
}

test('a lost stream is followed by one that goes on from the last whole revision', async () => {
  const { world, members, client } = await setUp();
  const watch = client.watch({ key: 'k' });
  const first = await serving(world, members, 1);
  first.tell(progress(5), put(6), put(7, true), put(7), put(8, true));
  expect(await lines(world, watch, 3)).toEqual(['ready 5', '6: v6', '7: v7,v7']);
  first.stream?.reset({ status: 'unavailable', message: 'the member dies' });
  first.stream = undefined;
  const second = await serving(world, members, 2);
  const { afterRevision, historyId: wanted } = second.requests.at(-1) as WatchRequest;
  expect([afterRevision, wanted]).toEqual([7, historyId]);
  second.tell(progress(7), put(8, true), put(8), put(9));
  expect(await lines(world, watch, 2)).toEqual(['8: v8,v8', '9: v9']);
});

const counts = (members: readonly Member[]): number[] =>
  members.map(({ requests }) => requests.length).sort((one, other) => one - other);

test('a silent member is left, a busy one is not', async () => {
  const { world, members, client } = await setUp();
  const watch = client.watch({ key: 'k' }, { progressIntervalMs: 1_000 });
  const first = await serving(world, members, 1);
  expect(first.requests[0]).toMatchObject({ progressIntervalMs: 1_000, announce: true });
  first.tell(progress(1));
  for (let revision = 2; revision < 8; revision++) {
    await world.run({ forMs: 1_000 });
    first.tell(progress(revision));
  }
  expect(counts(members)).toEqual([0, 1]);
  await serving(world, members, 2);
  expect(counts(members)).toEqual([1, 1]);
  await world.complete(Promise.resolve(watch.return?.()));
});

test('what is compacted is told, and the watch goes on behind it', async () => {
  const { world, members, client } = await setUp(['n1']);
  const watch = client.watch({ key: 'k' }, { after: { revision: 3, historyId: 'old' } });
  const member = await serving(world, members, 1);
  member.tell({ eventType: 'canceled', errorCode: 10030, revision: 90, historyId });
  await serving(world, members, 2);
  expect(member.requests.at(-1)).toMatchObject({ afterRevision: 90, historyId });
  member.tell(progress(90), put(91));
  expect(await lines(world, watch, 2)).toEqual(['resync 90', '91: v91']);
});

test('an overflow is no end: the next stream goes on from the last token', async () => {
  const { world, members, client } = await setUp(['n1']);
  const watch = client.watch({ key: 'k' });
  const member = await serving(world, members, 1);
  member.tell(progress(1), put(2), { eventType: 'canceled', errorCode: 5001 });
  await serving(world, members, 2);
  expect(member.requests.at(-1)).toMatchObject({ afterRevision: 2, historyId });
  member.tell(progress(2), put(3));
  expect(await lines(world, watch, 3)).toEqual(['ready 1', '2: v2', '3: v3']);
});

test('a refusal that another member may not share is tried there, a mistake is not', async () => {
  const { world, members, client } = await setUp();
  const [one, other] = members as [Member, Member];
  one.refusal = new DEngineError('RateLimited', 'too many watchers', { retryAfterMs: 1_000 });
  const watch = client.watch({ key: 'k' });
  await serving(world, members, 1);
  other.tell(progress(1));
  expect(await lines(world, watch, 1)).toEqual(['ready 1']);
  one.refusal = new DEngineError('InvalidRequest', 'no such key');
  other.refusal = one.refusal;
  const refused = client.watch({ key: 'k' });
  await expect(world.complete(refused.next())).rejects.toMatchObject({ name: 'InvalidRequest' });
});

test('a reader that dawdles makes the member wait, and silence says nothing then', async () => {
  const { world, members, client } = await setUp(['n1']);
  const watch = client.watch({ key: 'k' }, { progressIntervalMs: 200 });
  const member = await serving(world, members, 1);
  member.tell(progress(0));
  for (let revision = 1; revision <= 3_000; revision++) member.tell(put(revision));
  await world.run({ forMs: 10_000 });
  expect(member.requests).toHaveLength(1);
  const heard = await lines(world, watch, 3_001);
  expect(heard.at(-1)).toBe('3000: v3000');
});

test('leaving, aborting and closing end the stream at the member', async () => {
  const { world, members, client } = await setUp(['n1']);
  const [member] = members as [Member];
  const controller = new AbortController();
  const left = client.watch({ key: 'k' });
  const aborted = client.watch({ key: 'k' }, { signal: controller.signal });
  const closed = client.watch({ key: 'k' });
  await serving(world, members, 3);
  expect(member.openCount).toBe(3);
  await world.complete(Promise.resolve(left.return?.()));
  await world.run({ forMs: 100 });
  expect(member.openCount).toBe(2);
  const waiting = aborted.next();
  controller.abort();
  expect(await world.complete(waiting)).toMatchObject({ done: true });
  await world.run({ forMs: 100 });
  expect(member.openCount).toBe(1);
  const failed = closed.next();
  client.close();
  await expect(world.complete(failed)).rejects.toMatchObject({ name: 'Stopped' });
  await expect(world.complete(client.watch({ key: 'k' }).next())).rejects.toMatchObject({
    name: 'Stopped',
  });
});

test('messages that cannot be read end the watch with an error', async () => {
  const { world, members, client } = await setUp(['n1']);
  const watch = client.watch({ key: 'k' });
  (await serving(world, members, 1)).send(Buffer.from([0xff, 0xff, 0xff]));
  await expect(world.complete(watch.next())).rejects.toMatchObject({ name: 'InvalidResponse' });
});

test('who is in the cluster is told once, whichever member tells it', async () => {
  const { world, members, client } = await setUp(['n1']);
  const [member] = members as [Member];
  const watch = client.watchMembership();
  await world.run({ until: () => member.stream !== undefined, limitMs: 5_000 });
  const tell = (committedIndex: number, voters: number[]): void =>
    member.send(encodeMembershipSnapshot({ members: voters, learners: [], committedIndex }));
  tell(1, [1]);
  tell(1, [1]);
  tell(9, [1, 2]);
  const views = [await world.complete(watch.next()), await world.complete(watch.next())];
  expect(views.map(({ value }) => value?.voters)).toEqual([[1], [1, 2]]);
});

test.each([
  [{ key: 'x'.repeat(70_000) }, {}],
  [{ start: 'a', end: '' }, {}],
  [{ key: 'k' }, { progressIntervalMs: 0 }],
])('%j is refused before anybody is asked', async (target, options) => {
  const { members, client } = await setUp(['n1']);
  await expect(client.watch(target, options).next()).rejects.toBeInstanceOf(DEngineError);
  expect(members[0]?.requests).toEqual([]);
});
