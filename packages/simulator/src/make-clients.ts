import type { ClientApi } from '@d-engine/base';
import { createClient } from '@d-engine/client';
import type { VirtualWorld } from '@d-engine/virtual-env';
import type { HistoryEntry } from './history.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualCluster } from './virtual-cluster.ts';
import type { ClientPicker } from './workload.ts';
import { VirtualClient } from './workload.ts';

/** The clients of a run: some call into members, as embedders do, the others use the network. */
export function makeClients(
  world: VirtualWorld,
  scenario: Scenario,
  cluster: VirtualCluster,
  history: HistoryEntry[],
): VirtualClient[] {
  const embedded: ClientPicker = (random) => {
    const nodes = cluster.nodes.filter((node) => !cluster.heldUp.has(node.settings.nodeId));
    return nodes.length === 0 ? undefined : random.pick(nodes).client;
  };
  return Array.from({ length: scenario.clients }, (_, position) => {
    const name = `c${position}`;
    const overNetwork = position < scenario.networkClients;
    const pick = overNetwork ? networkPicker(world, cluster, name) : embedded;
    return new VirtualClient({ world, scenario, name, history, pick });
  });
}

/** The client that users have, on a machine of its own; it finds the leader by itself. */
function networkPicker(world: VirtualWorld, cluster: VirtualCluster, name: string): ClientPicker {
  const { env } = world.host(name);
  const client: ClientApi = createClient({
    clock: env.clock,
    network: env.network,
    random: env.random,
    endpoints: cluster.ids.map((id) => cluster.address(id)),
  });
  return () => client;
}
