import { VirtualWorld } from '@d-engine/virtual-env';
import type { ServingStatus } from '@d-engine/wire';
import { decodeHealthCheckResponse, encodeHealthCheckRequest, methods } from '@d-engine/wire';
import { expect, test } from 'vitest';
import { settingsOf, startNode } from './three-nodes.ts';

interface Watcher {
  readonly statuses: ServingStatus[];
  readonly closes: (string | undefined)[];
  send(message: Uint8Array): void;
}

function watch(world: VirtualWorld, request: Uint8Array): Watcher {
  const statuses: ServingStatus[] = [];
  const closes: (string | undefined)[] = [];
  const channel = world.host('client').env.network.connect('n1:9000');
  const stream = channel.openStream(methods.healthWatch, {
    onMessage: (message) => statuses.push(decodeHealthCheckResponse(message).status),
    onClose: (failure) => closes.push(failure?.status),
  });
  stream.send(request);
  return { statuses, closes, send: (message) => stream.send(message) };
}

const everything = encodeHealthCheckRequest({ service: '' });

test('a watcher hears the health at once and each change of it', async () => {
  const world = new VirtualWorld({ seed: 1 });
  await startNode(world, settingsOf(1, [1, 2, 3]));
  const watcher = watch(world, everything);
  await world.run({ forMs: 3_000 });
  expect(watcher.statuses).toEqual(['notServing']);
  for (const id of [2, 3]) await startNode(world, settingsOf(id, [1, 2, 3]));
  await world.run({ forMs: 10_000 });
  expect(watcher.statuses).toEqual(['notServing', 'serving']);
  for (const id of [2, 3]) world.host(`n${id}`).crash();
  await world.run({ forMs: 10_000 });
  expect(watcher.statuses).toEqual(['notServing', 'serving', 'notServing']);
  expect(watcher.closes).toEqual([]);
});

test('a service that is not here is unknown, and the stream stays', async () => {
  const world = new VirtualWorld({ seed: 2 });
  await startNode(world, settingsOf(1, [1]));
  const watcher = watch(world, encodeHealthCheckRequest({ service: 'nobody.Knows' }));
  await world.run({ forMs: 3_000 });
  expect(watcher.statuses).toEqual(['serviceUnknown']);
  expect(watcher.closes).toEqual([]);
});

test('an unreadable or a second request ends the watch, and nothing else', async () => {
  const world = new VirtualWorld({ seed: 3 });
  const node = await startNode(world, settingsOf(1, [1]));
  const unreadable = watch(world, Uint8Array.of(0x0a, 0x7f, 0x01));
  const second = watch(world, everything);
  await world.run({ forMs: 1_000 });
  second.send(everything);
  await world.run({ forMs: 1_000 });
  expect(unreadable.closes).toEqual(['invalidArgument']);
  expect(second.closes).toEqual(['invalidArgument']);
  expect(node.isServing).toBe(true);
});
