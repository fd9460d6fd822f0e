import type { TraceKind, VirtualWorld } from '@d-engine/virtual-env';
import type { CounterName, Counters } from './counters.ts';
import type { VirtualCluster } from './virtual-cluster.ts';

const countedKinds: readonly (readonly [TraceKind, CounterName])[] = [
  ['messageLost', 'messages lost'],
  ['messageDuplicated', 'messages sent twice'],
  ['messageReordered', 'messages overtaken'],
  ['bytesSplit', 'writes cut into pieces'],
  ['bytesJoined', 'pieces read together'],
  ['bytesLost', 'pieces sent again'],
  ['bytesDrain', 'writers held up'],
  ['lost', 'connections lost'],
  ['refused', 'connections refused'],
];

/** Adds what the world counted by itself. */
export function countWorld(counters: Counters, world: VirtualWorld, cluster: VirtualCluster): void {
  for (const [kind, name] of countedKinds) counters.add(name, world.countOf(kind));
  const losses = cluster.losses.all.filter(({ from, to }) => from <= to);
  counters.add('losses of what was committed', losses.length);
  for (const id of cluster.ids) {
    const disk = cluster.host(id).disk.counters;
    counters.add('unsynced writes lost', disk.lostWrites);
    counters.add('unsynced writes torn', disk.tornWrites);
    counters.add('unsynced writes kept', disk.keptWrites);
    counters.add('directory changes lost', disk.lostDirectoryChanges);
    counters.add('operations on a full disk', disk.fullFailures);
    counters.add('operations failed by the disk', disk.orderedFailures);
  }
}
