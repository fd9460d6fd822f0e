import { assert } from '@d-engine/base';
import { VirtualWorld } from '@d-engine/virtual-env';
import { TestCluster } from './test-cluster.ts';
import type { TestClusterOptions } from './test-member.ts';
import { hostOf, TestMember } from './test-member.ts';
import { TimeDriver } from './time-driver.ts';

const nodesDefault = 3;
const formationLimitMs = 60_000;

/**
 * A cluster in memory that has a leader:
 *
 *     const cluster = await startTestCluster({ nodes: 3 });
 *     await cluster.client().put('key', 'value');
 *     await cluster.killLeader();
 *     await cluster.client().get('key'); // waits for the next leader
 *     await cluster.stop();
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const count = options.nodes ?? nodesDefault;
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  const world = new VirtualWorld({ seed: options.seed ?? 1 });
  const driver = new TimeDriver(world);
  const members = ids.map((id) => new TestMember(id, world.host(hostOf(id)), { ids, options }));
  await driver.until(Promise.all(members.map((member) => member.start())));
  const cluster = new TestCluster(world, driver, members);
  await cluster.waitForLeader();
  // Until all are bound the loss of one may be the loss of a majority.
  const isWhole = (): boolean => members.every((member) => member.boundCount === count);
  const isReady = await driver.untilTrue(isWhole, formationLimitMs);
  assert(isReady, 'a cluster on a healthy network forms');
  return cluster;
}
