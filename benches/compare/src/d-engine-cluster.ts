import { LocalCluster } from '../../../tools/cluster/local-cluster.ts';
import type { Cluster } from './cluster.ts';

/** Our own, as built: durable before it answers, as etcd is. */
export async function startDEngine(root: string): Promise<Cluster> {
  const cluster = await LocalCluster.create({ root, logLevel: 'warn' });
  cluster.startAll();
  await cluster.waitForLeader();
  return {
    name: 'd-engine',
    pids: cluster.ids.map((id) => cluster.process(id).pid),
    async leaderAddress() {
      const leader = await cluster.waitForLeader();
      return cluster.address(leader.node_id);
    },
    stop: () => cluster.dispose(),
  };
}
