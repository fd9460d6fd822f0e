import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import type { Node } from '../src/index.ts';
import { settingsOf, startNode, startThree } from './three-nodes.ts';

test('followers tell clients the address that the leader advertises', async () => {
  const { leader, followers } = await startThree(1, (id) =>
    id === 3 ? {} : { advertiseAddress: `public-${id}.example:9000` },
  );
  const { nodeId, advertiseAddress, listenAddress } = leader.settings;
  const address = advertiseAddress ?? listenAddress;
  for (const node of followers) {
    expect(node.leaderHint(undefined)).toEqual({ id: nodeId, address });
    expect(node.status().members.map((member) => member.address)).toEqual([
      'public-1.example:9000',
      'public-2.example:9000',
      'n3:9000',
    ]);
  }
});

test('writes on followers go on while the leader is stopped in good order', async () => {
  const { world, leader, followers } = await startThree(2);
  const failures: unknown[] = [];
  let acknowledged = 0;
  let stopped = false;
  const write = async (node: Node, number: number): Promise<void> => {
    try {
      await node.client.put(`k${number}`, 'v');
      acknowledged += 1;
    } catch (error) {
      failures.push(error);
    }
  };
  let number = 0;
  const keepWriting = (): void => {
    for (const node of followers) {
      write(node, number++).catch((error: unknown) => failures.push(error));
    }
    if (!stopped) world.after(5, keepWriting);
  };
  keepWriting();
  await world.run({ forMs: 100 });
  const stopping = leader.stop();
  await world.complete(stopping);
  await world.run({ forMs: 2_000 });
  stopped = true;
  await world.run({ forMs: 6_000 });
  expect(failures).toEqual([]);
  expect(acknowledged).toBe(number);
});

test('a long-lived signal is let go of when an operation is answered', async () => {
  const world = new VirtualWorld({ seed: 3 });
  const node = await startNode(world, settingsOf(1, [1]));
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  await world.complete(node.client.put('k', 'v', { signal }));
  await world.complete(node.client.get('k', { signal }));
  expect(listeners).toBe(0);
});

test('an aborted write is unknown, and its caller is told at once', async () => {
  const { world, followers } = await startThree(4);
  const [node] = followers as [Node];
  world.partition([
    [`n${node.settings.nodeId}`],
    ['n1', 'n2', 'n3'].filter((name) => name !== `n${node.settings.nodeId}`),
  ]);
  const controller = new AbortController();
  const writing = node.client.put('k', 'v', { signal: controller.signal });
  world.after(20, () => controller.abort());
  await expect(world.complete(writing, 100)).rejects.toMatchObject({ name: 'ProposeFailed' });
});

test('a failed disk stops the member, and `closed` says why', async () => {
  const world = new VirtualWorld({ seed: 5 });
  const node = await startNode(world, settingsOf(1, [1]));
  await world.complete(node.client.put('k', 'v'));
  world.host('n1').disk.failNext({ operation: 'sync', kind: 'io', pathIncludes: '/data/log' });
  await expect(world.complete(node.client.put('k', 'w'))).rejects.toMatchObject({
    mayHaveBeenApplied: true,
  });
  expect(await world.complete(node.closed)).toMatchObject({ name: 'DiskError' });
});

test('a write that is too large as a whole is refused, and the largest one is not', async () => {
  const world = new VirtualWorld({ seed: 4 });
  const node = await startNode(world, settingsOf(1, [1], { segmentBytes: 1_048_576 }));
  await world.run({ forMs: 2_000 });
  const swap = (bytes: number) =>
    node.client.compareAndSwap('k', 'e'.repeat(50_000), 'v'.repeat(bytes));
  await expect(swap(60_000)).rejects.toMatchObject({
    name: 'RequestTooLarge',
    mayHaveBeenApplied: false,
  });
  // Some bytes around the two values: what is just below the limit passes.
  const answer = await world.complete(swap(100_000 - 50_000 - 40));
  expect(answer.succeeded).toBe(false);
  expect(node.isServing).toBe(true);
});

test('a listener that fails is logged, and the member goes on', async () => {
  const { world, leader, followers } = await startThree(5);
  const heard: (number | undefined)[] = [];
  // The cluster is born and its members are bound.
  await world.run({ forMs: 1_000 });
  const [follower] = followers as [Node, Node];
  follower.onLeaderChange(() => {
    throw new Error('a mistake of the host');
  });
  follower.onLeaderChange((hint) => heard.push(hint?.id));
  await world.complete(leader.stop());
  await world.run({ forMs: 3_000 });
  expect(heard.at(-1)).toBeDefined();
  expect(follower.isServing).toBe(true);
  await world.complete(follower.client.put('k', 'v'));
});

test('a read that names a large value thousands of times is refused', async () => {
  const world = new VirtualWorld({ seed: 6 });
  const node = await startNode(world, settingsOf(1, [1]));
  await world.run({ forMs: 2_000 });
  await world.complete(node.client.put('k', 'v'.repeat(60_000)));
  const read = (copies: number) => node.client.read(Array.from({ length: copies }, () => 'k'));
  await expect(world.complete(read(9_000))).rejects.toMatchObject({ name: 'RequestTooLarge' });
  const { entries } = await world.complete(read(100));
  expect(entries).toHaveLength(100);
  expect(node.isServing).toBe(true);
});
