import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import { Counters } from '../src/counters.ts';
import { VirtualCluster } from '../src/virtual-cluster.ts';
import { quietScenario } from './three-members.ts';

async function formed(members: number) {
  const scenario = { ...quietScenario(1), members };
  const world = new VirtualWorld({ seed: 1, ...scenario.world });
  const counters = new Counters();
  const cluster = new VirtualCluster(world, scenario, { onDeath: () => undefined }, counters);
  for (const id of cluster.ids) cluster.start(id);
  const isLed = (): boolean => cluster.leader !== undefined;
  /** The leader is killed, and somebody leads again: if there is nobody else, the same. */
  const lead = async (): Promise<void> => {
    const id = cluster.leader?.settings.nodeId;
    if (id !== undefined) cluster.crash(id, false);
    const isReplaced = await world.run({ until: isLed, limitMs: 20_000 });
    if (id !== undefined) cluster.restart(id);
    if (!isReplaced) await world.run({ until: isLed, limitMs: 20_000 });
    await world.run({ forMs: 5_000 });
  };
  await lead();
  return { cluster, counters, lead };
}

test('a leader change is another leader than the last: the first is none', async () => {
  const { cluster, counters, lead } = await formed(3);
  expect(counters.get('leader changes')).toBe(0);
  let changes = 0;
  for (let round = 0; round < 5; round++) {
    const before = cluster.leader?.settings.nodeId;
    await lead();
    if (cluster.leader?.settings.nodeId !== before) changes += 1;
  }
  expect(changes).toBeGreaterThan(0);
  expect(counters.get('leader changes')).toBe(changes);
});

test('nor is a member that is elected anew', async () => {
  const { cluster, counters, lead } = await formed(1);
  const { term = 0 } = cluster.leader ?? {};
  await lead();
  expect(cluster.leader?.term).toBeGreaterThan(term);
  expect(counters.get('leader changes')).toBe(0);
});
