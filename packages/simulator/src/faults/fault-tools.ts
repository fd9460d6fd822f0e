import type { NodeId } from '@d-engine/base';
import type { SeededRandom, VirtualHost, VirtualWorld } from '@d-engine/virtual-env';
import type { Counters } from '../counters.ts';
import type { FaultKind, Scenario } from '../scenario.ts';
import type { Supervisor } from '../supervisor.ts';
import type { VirtualCluster } from '../virtual-cluster.ts';
import type { Harm, Harms } from './harms.ts';

/** What faults work with. */
export interface FaultTools {
  readonly world: VirtualWorld;
  readonly cluster: VirtualCluster;
  readonly supervisor: Supervisor;
  readonly scenario: Scenario;
  readonly random: SeededRandom;
  readonly counters: Counters;
  /** What lasts goes through here; whoever began it ends it. */
  readonly harms: Harms;
  /** Counts this fault. To be called once it has done harm, and not when it was only ordered. */
  readonly happened: () => void;
  /** After a while; never, once the faults are over. */
  readonly after: (delayMs: number, action: () => void) => void;
  /** After some time that is long against an election, or short: for the end of a fault. */
  readonly later: (action: () => void) => void;
}

/** Each inflicts itself on the victim, or on others if it likes, and tells when it did harm. */
export type Faults<Kind extends FaultKind> = Readonly<
  Record<Kind, (tools: FaultTools, victim: NodeId, host: VirtualHost) => void>
>;

/** Something that lasts a while, and counts if anything met it. */
export function inflict({ harms, later, happened }: FaultTools, lasting: readonly Harm[]): void {
  harms.begin(lasting);
  later(() => {
    if (harms.end(lasting)) happened();
  });
}

/** Another member; undefined when there is none. */
export function pickOther({ cluster, random }: FaultTools, id: NodeId): NodeId | undefined {
  const others = cluster.ids.filter((other) => other !== id);
  return others.length === 0 ? undefined : random.pick(others);
}
