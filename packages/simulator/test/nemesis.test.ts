import { VirtualWorld } from '@d-engine/virtual-env';
import { expect, test } from 'vitest';
import { Counters } from '../src/counters.ts';
import { Harms } from '../src/faults/harms.ts';
import { Nemesis } from '../src/nemesis.ts';
import type { FaultKind } from '../src/scenario.ts';
import { faultKinds } from '../src/scenario.ts';
import { Supervisor } from '../src/supervisor.ts';
import { VirtualCluster } from '../src/virtual-cluster.ts';
import { quietScenario } from './three-members.ts';

/** Members that a nemesis has been at for some seconds, without a pause. */
async function haunted(seed: number, faults: readonly FaultKind[]) {
  const scenario = {
    ...quietScenario(seed),
    segmentBytes: 8 * 1024,
    faults,
    networkClients: 2,
    faultIntervalMsMax: 20,
  };
  const world = new VirtualWorld({ seed, ...scenario.world });
  const counters = new Counters();
  const cluster = new VirtualCluster(world, scenario, {
    onDeath: (id, error) => supervisor.onDeath(id, error),
    onStopped: (id) => supervisor.onStopped(id),
  });
  const supervised = {
    world,
    cluster,
    counters,
    restartMsMax: 1_000,
    recoveryCrashShare: 0.3,
    entryBytesMax: 1_024,
  };
  const supervisor = new Supervisor({ ...supervised, violated: () => undefined });
  const harms = new Harms(world, cluster);
  const random = world.random('nemesis');
  const tools = { world, cluster, supervisor, scenario, random, counters, harms };
  const nemesis = new Nemesis(tools, () => undefined);
  for (const id of cluster.ids) cluster.start(id);
  await world.run({ until: () => cluster.leader !== undefined, limitMs: 10_000 });
  nemesis.start();
  await world.run({ forMs: 5_000 });
  return { world, cluster, nemesis };
}

test.each([...faultKinds, 'all'] as const)('no fault acts after the end: %s', async (kind) => {
  const faults = kind === 'all' ? faultKinds : [kind];
  const { world, cluster, nemesis } = await haunted(3, faults);
  nemesis.rest([]);
  await world.run({ forMs: 30_000 });
  nemesis.assertRested();
  expect(cluster.nodes).toHaveLength(3);
  expect(cluster.callable).toHaveLength(3);
  const leader = cluster.leader?.settings.nodeId;
  expect(leader).toBeDefined();
  for (const node of cluster.nodes) expect(node.leaderId).toBe(leader);
});

test('a fault that acts after the end is noticed', async () => {
  const { world, cluster, nemesis } = await haunted(3, ['reset']);
  nemesis.rest([1]);
  nemesis.rest([]);
  world.cut(cluster.host(1), cluster.host(2));
  expect(() => nemesis.assertRested()).toThrow('faults acted after their end: cut');
});
