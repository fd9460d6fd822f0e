import type { ResumeToken, Watch, WatchBatch, WatchEvent } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import type { Node } from '../src/index.ts';
import {
  ids,
  settingsOf,
  snapshotSettings,
  startNode,
  startThree,
  watchSettings,
} from './three-nodes.ts';

const text = (bytes: Uint8Array | null | undefined): string =>
  bytes === null || bytes === undefined ? String(bytes) : Buffer.from(bytes).toString('utf8');

const line = ({ type, key, value, previous }: WatchEvent): string =>
  `${type} ${text(key)} ${text(value)} ${text(previous)}`;

/** The next batch that says something. */
async function next(world: VirtualWorld, watch: Watch): Promise<WatchBatch> {
  for (;;) {
    const { value } = await world.complete(watch.next());
    if (value === undefined) throw new Error('the watch has ended');
    if (value.type !== 'progress') return value;
  }
}

/** The lines of the next `count` events. */
async function events(world: VirtualWorld, watch: Watch, count: number): Promise<string[]> {
  const lines: string[] = [];
  while (lines.length < count) {
    const batch = await next(world, watch);
    if (batch.type === 'events') lines.push(...batch.events.map(line));
  }
  return lines;
}

test('an embedded watch tells puts, deletes and swaps with the values before them', async () => {
  const world = new VirtualWorld({ seed: 1 });
  const node = await startNode(world, settingsOf(1, [1]));
  await world.complete(node.client.put('a/1', 'x'));
  const watch = node.client.watch({ prefix: 'a/' }, { previousValues: true });
  await world.complete(node.client.put('a/1', 'y'));
  await world.complete(node.client.put('b', 'not watched'));
  await world.complete(node.client.compareAndSwap('a/1', 'y', 'z'));
  await world.complete(node.client.compareAndSwap('a/1', 'no', 'never'));
  await world.complete(node.client.delete('a/1'));
  await world.complete(node.client.delete('a/1'));
  await world.complete(node.client.put('a/2', ''));
  expect(await next(world, watch)).toMatchObject({ type: 'ready' });
  expect(await events(world, watch, 4)).toEqual([
    'put a/1 y x',
    'put a/1 z y',
    'delete a/1 null z',
    'put a/2  null',
  ]);
});

test('every member tells the same events, with the same revisions', async () => {
  const { world, nodes, leader } = await startThree(2);
  const watches = nodes.map((node) => node.client.watch({ key: 'k' }));
  for (const watch of watches) await next(world, watch);
  for (let number = 0; number < 5; number++) await world.complete(leader.client.put('k', 'v'));
  const revisions: number[][] = [];
  for (const watch of watches) {
    const list: number[] = [];
    while (list.length < 5) list.push((await next(world, watch)).token.revision);
    revisions.push(list);
  }
  expect(revisions[1]).toEqual(revisions[0]);
  expect(revisions[2]).toEqual(revisions[0]);
});

test('a token goes on at another member, and after a restart of the same one', async () => {
  const { world, nodes, leader } = await startThree(3);
  const [one, other] = nodes.filter((node) => node !== leader) as [Node, Node];
  const watch = one.client.watch({ key: 'k' });
  const { token } = await next(world, watch);
  for (let number = 0; number < 3; number++) {
    await world.complete(leader.client.put('k', String(number)));
  }
  const expected = ['put k 0 undefined', 'put k 1 undefined', 'put k 2 undefined'];
  const elsewhere = other.client.watch({ key: 'k' }, { after: token });
  expect(await events(world, elsewhere, 3)).toEqual(expected);
  const { nodeId } = one.settings;
  world.host(`n${nodeId}`).crash({ powerLoss: true });
  world.host(`n${nodeId}`).restart();
  const again = await startNode(world, settingsOf(nodeId, ids));
  // It has applied nothing yet, and waits for what the token names.
  const resumed = again.client.watch({ key: 'k' }, { after: token });
  expect(await events(world, resumed, 3)).toEqual(expected);
});

test('a start from a snapshot knows nothing before it, and says so', async () => {
  const world = new VirtualWorld({ seed: 4 });
  const snapshots = { ...snapshotSettings, enabled: true };
  const settings = settingsOf(1, [1], { snapshots });
  const node = await startNode(world, settings);
  const { token } = await next(world, node.client.watch({ key: 'k' }));
  for (let number = 0; number < 60; number++) await world.complete(node.client.put('k', 'v'));
  await world.run({ forMs: 1_000 });
  world.host('n1').crash({ powerLoss: true });
  world.host('n1').restart();
  const again = await startNode(world, settings);
  const { revision } = await world.complete(again.client.put('k', 'last'));
  const resumed = again.client.watch({ key: 'k' }, { after: token });
  const resync = await next(world, resumed);
  expect(resync).toMatchObject({ type: 'resync', token: { revision } });
  await world.complete(again.client.put('k', 'new'));
  expect(await events(world, resumed, 1)).toEqual(['put k new undefined']);
});

test('whoever lags too far goes on where it was, or reads the state anew', async () => {
  const world = new VirtualWorld({ seed: 5 });
  const watch = { ...watchSettings, watcherEventsMax: 2, ringEventsMax: 10 };
  const node = await startNode(world, settingsOf(1, [1], { watch }));
  const reader = node.client.watch({ key: 'k' });
  await next(world, reader);
  for (let number = 0; number < 5; number++)
    await world.complete(node.client.put('k', `${number}`));
  // Canceled, but all is kept: nothing is lost.
  expect(await events(world, reader, 5)).toHaveLength(5);
  for (let number = 0; number < 30; number++) await world.complete(node.client.put('k', 'v'));
  expect(await next(world, reader)).toMatchObject({ type: 'resync' });
});

test('aborting ends the loop, and the member forgets the watcher', async () => {
  const world = new VirtualWorld({ seed: 6 });
  const watch = { ...watchSettings, watchersMax: 1 };
  const node = await startNode(world, settingsOf(1, [1], { watch }));
  const controller = new AbortController();
  const first = node.client.watch({ key: 'k' }, { signal: controller.signal });
  await next(world, first);
  const refused = node.client.watch({ key: 'k' });
  await expect(world.complete(refused.next())).rejects.toMatchObject({ name: 'RateLimited' });
  const waiting = first.next();
  controller.abort();
  expect(await world.complete(waiting)).toEqual({ done: true, value: undefined });
  expect(await next(world, node.client.watch({ key: 'k' }))).toMatchObject({ type: 'ready' });
  const left = node.client.watch({ key: 'k' }, { signal: controller.signal });
  expect(await world.complete(left.next())).toEqual({ done: true, value: undefined });
});

test('keys over the limit and empty ranges are refused', async () => {
  const world = new VirtualWorld({ seed: 7 });
  const node = await startNode(world, settingsOf(1, [1]));
  const long = node.client.watch({ key: 'x'.repeat(1_025) });
  await expect(world.complete(long.next())).rejects.toMatchObject({ name: 'RequestTooLarge' });
  const empty = node.client.watch({ start: 'b', end: 'a' });
  await expect(world.complete(empty.next())).rejects.toMatchObject({ name: 'InvalidRequest' });
});

test('a member that stops ends its watches', async () => {
  const world = new VirtualWorld({ seed: 8 });
  const node = await startNode(world, settingsOf(1, [1]));
  const watch = node.client.watch({ key: 'k' });
  const members = node.client.watchMembership();
  await next(world, watch);
  await world.complete(members.next());
  await world.complete(node.stop());
  await expect(world.complete(watch.next())).rejects.toMatchObject({ name: 'Stopped' });
  await expect(world.complete(members.next())).rejects.toMatchObject({ name: 'Stopped' });
});

test('who is in the cluster is told at once, and again when the cluster has formed', async () => {
  const world = new VirtualWorld({ seed: 9 });
  const node = await startNode(world, settingsOf(1, [1]));
  const members = node.client.watchMembership();
  const first = await world.complete(members.next());
  expect(first.value).toEqual({ voters: [1], learners: [], committedIndex: 0 });
  const second = await world.complete(members.next());
  expect(second.value).toMatchObject({ voters: [1], learners: [] });
  expect(second.value?.committedIndex).toBeGreaterThan(0);
});

test('an isolated follower gives no sign of life', async () => {
  const { world, followers } = await startThree(10);
  const [node] = followers as [Node];
  const watch = node.client.watch({ key: 'k' }, { progressIntervalMs: 200 });
  const tokens: ResumeToken[] = [];
  const read = async (): Promise<void> => {
    for await (const batch of watch) tokens.push(batch.token);
  };
  read().catch(() => undefined);
  await world.run({ forMs: 2_000 });
  expect(tokens.length).toBeGreaterThan(5);
  const alone = `n${node.settings.nodeId}`;
  world.partition([[alone], ['n1', 'n2', 'n3'].filter((name) => name !== alone)]);
  await world.run({ forMs: 2_000 });
  const before = tokens.length;
  await world.run({ forMs: 5_000 });
  expect(tokens.length).toBe(before);
});

test('a watch begins with the call, however late its loop', async () => {
  const world = new VirtualWorld({ seed: 11 });
  const watch = { ...watchSettings, watcherEventsMax: 2 };
  const node = await startNode(world, settingsOf(1, [1], { watch }));
  await world.complete(node.client.put('k', 'before'));
  const reader = node.client.watch({ key: 'k' });
  for (let number = 0; number < 5; number++)
    await world.complete(node.client.put('k', `${number}`));
  expect(await next(world, reader)).toMatchObject({ type: 'ready' });
  expect(await events(world, reader, 5)).toHaveLength(5);
});

test('what a transaction changes is told as one', async () => {
  const world = new VirtualWorld({ seed: 12 });
  const node = await startNode(world, settingsOf(1, [1]));
  const watch = node.client.watch({ prefix: '' });
  const { revision } = await world.complete(
    node.client.txn({
      compare: [],
      success: [
        { type: 'put', key: 'a', value: '1' },
        { type: 'put', key: 'b', value: '2' },
        { type: 'put', key: 'c', value: '3' },
      ],
      failure: [],
    }),
  );
  expect(await next(world, watch)).toMatchObject({ type: 'ready' });
  const batch = await next(world, watch);
  expect(batch).toMatchObject({ type: 'events', token: { revision } });
  expect(batch.type === 'events' && batch.events.map(line)).toEqual([
    'put a 1 undefined',
    'put b 2 undefined',
    'put c 3 undefined',
  ]);
});

test('the end of a TTL is told as a delete', async () => {
  const world = new VirtualWorld({ seed: 13 });
  const node = await startNode(world, settingsOf(1, [1]));
  const watch = node.client.watch({ key: 'k' }, { previousValues: true });
  await world.complete(node.client.put('k', 'v', { ttlMs: 1_000 }));
  expect(await events(world, watch, 2)).toEqual(['put k v null', 'delete k null v']);
});
