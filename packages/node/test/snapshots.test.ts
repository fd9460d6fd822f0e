import type { NodeId } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import type { Node, NodeSettings } from '../src/index.ts';
import { ids, settingsOf, snapshotSettings, startNode, startThree } from './three-nodes.ts';

const takes: NodeSettings['snapshots'] = { ...snapshotSettings, enabled: true };

function taking(changes: Partial<NodeSettings['snapshots']> = {}): Partial<NodeSettings> {
  return { snapshots: { ...takes, ...changes } };
}

async function write(world: VirtualWorld, node: Node, from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number++) {
    await world.complete(node.client.put(`k${number % 50}`, `v${number}`.padEnd(200, '.')));
  }
}

/** All have applied the same, and read the same. */
async function untilSame(world: VirtualWorld, nodes: readonly Node[]): Promise<boolean> {
  const indexes = (): Set<number> => new Set(nodes.map((node) => node.appliedIndex));
  if (!(await world.run({ until: () => indexes().size === 1, limitMs: 20_000 }))) return false;
  const contents = new Set<string>();
  for (const node of nodes) contents.add(await contentOf(world, node));
  return contents.size === 1;
}

async function contentOf(world: VirtualWorld, node: Node): Promise<string> {
  const keys = Array.from({ length: 50 }, (_, number) => `k${number}`);
  const read = node.client.read(keys, { consistency: 'eventual' });
  const found = await world.complete(read);
  return found.entries.map((entry) => Buffer.from(entry?.value ?? []).toString()).join();
}

/** Member 3 is away while the others write, and cut the log behind snapshots. */
async function oneAway(
  seed: number,
  changes: Partial<NodeSettings['snapshots']> = {},
): Promise<{ world: VirtualWorld; nodes: Map<NodeId, Node>; leader: Node; away: NodeId }> {
  const { world, nodes, leader, followers } = await startThree(seed, () => taking(changes));
  const [gone] = followers as [Node];
  await world.complete(gone.stop());
  await write(world, leader, 1, 150);
  const all = new Map(nodes.map((node) => [node.settings.nodeId, node]));
  return { world, nodes: all, leader, away: gone.settings.nodeId };
}

test('the log is cut behind a snapshot, and a restart goes on from it', async () => {
  const world = new VirtualWorld({ seed: 1 });
  const node = await startNode(world, settingsOf(1, [1], taking()));
  await write(world, node, 1, 100);
  expect(node.raft.firstLogIndex).toBeGreaterThan(50);
  const before = await contentOf(world, node);
  world.host('n1').crash({ powerLoss: true });
  world.host('n1').restart();
  const again = await startNode(world, settingsOf(1, [1], taking()));
  // The state is there before a leader is, and nothing was applied from the log.
  expect(again.appliedIndex).toBeGreaterThan(50);
  await world.run({ until: () => again.isLeader, limitMs: 5_000 });
  await world.complete(again.client.get('k0'));
  expect(await contentOf(world, again)).toBe(before);
});

test('a member that was away gets a snapshot and then the log', async () => {
  const { world, nodes, leader, away } = await oneAway(2);
  const back = await startNode(world, settingsOf(away, ids, taking()));
  nodes.set(away, back);
  expect(await untilSame(world, [...nodes.values()])).toBe(true);
  expect(back.raft.firstLogIndex).toBeGreaterThan(50);
  await write(world, leader, 151, 160);
  expect(await untilSame(world, [...nodes.values()])).toBe(true);
});
