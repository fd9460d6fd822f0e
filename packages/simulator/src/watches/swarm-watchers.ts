import type { VirtualWorld } from '@d-engine/virtual-env';
import type { Counters } from '../counters.ts';
import { networkTarget, targetOf } from '../make-clients.ts';
import type { Scenario } from '../scenario.ts';
import type { VirtualCluster } from '../virtual-cluster.ts';
import type { SwarmWatcherOptions } from './swarm-watcher.ts';
import { SwarmWatcher } from './swarm-watcher.ts';

/** The watchers of a run: half of them in members, as embedders, the others over the network. */
export class SwarmWatchers {
  readonly #watchers: readonly SwarmWatcher[];

  constructor(options: {
    world: VirtualWorld;
    scenario: Scenario;
    cluster: VirtualCluster;
    counters: Counters;
    violated: (text: string) => void;
    say: ((text: string) => void) | undefined;
  }) {
    const { world, scenario, cluster, counters, violated, say } = options;
    const embedded: SwarmWatcherOptions['pick'] = (random) => {
      const isOut = (id: number): boolean => cluster.memberships.isOut(id);
      const nodes = cluster.callable.filter((node) => !isOut(node.settings.nodeId));
      return nodes.length === 0 ? undefined : targetOf(cluster, random.pick(nodes));
    };
    const overNetwork = (name: string): SwarmWatcherOptions['pick'] => {
      const target = networkTarget(world, cluster, name, counters);
      return () => target;
    };
    const { truth } = cluster;
    this.#watchers = Array.from({ length: scenario.watch.watchers }, (_, position) => {
      const name = `w${position}`;
      const pick = position % 2 === 0 ? embedded : overNetwork(name);
      const { keys } = scenario;
      return new SwarmWatcher({ world, truth, counters, name, keys, pick, violated, say });
    });
  }

  start(): void {
    for (const watcher of this.#watchers) watcher.start();
  }

  hurry(): void {
    for (const watcher of this.#watchers) watcher.hurry();
  }

  /** Whether all have heard what there is to be heard. */
  get haveCaughtUp(): boolean {
    return this.#watchers.every(({ judge }) => judge.hasCaughtUp);
  }
}
