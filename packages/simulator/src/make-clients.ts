import type { ClientApi } from '@d-engine/base';
import { createClient } from '@d-engine/client';
import type { Node } from '@d-engine/node';
import type { VirtualWorld } from '@d-engine/virtual-env';
import type { Counters } from './counters.ts';
import { countingMetrics } from './member-observers.ts';
import type { Recorder, Target } from './recorder.ts';
import type { Scenario } from './scenario.ts';
import type { VirtualCluster } from './virtual-cluster.ts';
import type { TargetPicker } from './workload.ts';
import { VirtualClient } from './workload.ts';

/** What users get who choose none. */
const clientDeadlineMs = 3_000;

/** The clients of a run: some call into members, as embedders do, the others use the network. */
export function makeClients(
  world: VirtualWorld,
  scenario: Scenario,
  cluster: VirtualCluster,
  recorder: Recorder,
  counters: Counters,
): VirtualClient[] {
  const embedded: TargetPicker = (random) => {
    // Whoever embeds a member that is refused for good takes another one; the network's clients
    // still come across it.
    const isOut = (node: Node): boolean => cluster.memberships.isOut(node.settings.nodeId);
    const nodes = cluster.callable.filter((node) => !isOut(node));
    if (nodes.length === 0) return undefined;
    return targetOf(cluster, random.pick(nodes));
  };
  return Array.from({ length: scenario.clients }, (_, position) => {
    const name = `c${position}`;
    const overNetwork = position < scenario.networkClients;
    const pick = overNetwork ? networkPicker(world, cluster, name, counters) : embedded;
    return new VirtualClient({ world, scenario, name, recorder, pick });
  });
}

/** A process that runs now, called from within. */
export function targetOf(cluster: VirtualCluster, node: Node): Target {
  const { nodeId } = node.settings;
  const name = `n${nodeId} start ${cluster.startsOf(nodeId)}`;
  const { serverDeadlineMs: deadlineMs } = node.settings;
  return { client: node.client, name, node, host: cluster.host(nodeId), deadlineMs };
}

/** The client that users have, on a machine of its own; it finds the leader by itself. */
function networkPicker(
  world: VirtualWorld,
  cluster: VirtualCluster,
  name: string,
  counters: Counters,
): TargetPicker {
  const host = world.host(name);
  const env = cluster.envOf(host);
  const client: ClientApi = createClient({
    clock: env.clock,
    network: env.network,
    random: env.random,
    endpoints: cluster.ids.map((id) => cluster.address(id)),
    metrics: countingMetrics(counters),
    deadlineMs: clientDeadlineMs,
  });
  const target = { client, name: 'the network', node: undefined };
  return () => ({ ...target, host, deadlineMs: clientDeadlineMs });
}
