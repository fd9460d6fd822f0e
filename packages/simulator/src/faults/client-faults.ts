import type { NodeId } from '@d-engine/base';
import { networkClientNames } from '../scenario.ts';
import type { Faults, FaultTools } from './fault-tools.ts';
import { inflict } from './fault-tools.ts';
import type { Harm } from './harms.ts';
import { cutsBetween } from './harms.ts';

type ClientFault = 'cutClient' | 'cutClientOff' | 'cutClientOneWay';

/** What befalls the links between a client and the members. */
export const clientFaults: Faults<ClientFault> = {
  /** From one member, which leads as often as not: the client goes on with the others. */
  cutClient: (tools, victim) =>
    cut(tools, aimed(tools, victim), (client, member) => cutsBetween([client], [member], 'both')),

  /** From all of them: it hears nothing, and does not know what became of its last write. */
  cutClientOff: (tools) =>
    cut(tools, tools.cluster.ids, (client, member) => cutsBetween([client], [member], 'both')),

  /** What it asks gets through and the answers do not, or the other way round. */
  cutClientOneWay: (tools, victim) => {
    const { random, cluster } = tools;
    const members = random.chance(0.5) ? cluster.ids : aimed(tools, victim);
    const isDeaf = random.chance(0.5);
    cut(tools, members, (client, member) =>
      isDeaf ? cutsBetween([member], [client], 'one') : cutsBetween([client], [member], 'one'),
    );
  },
};

function aimed({ cluster, random }: FaultTools, victim: NodeId): readonly NodeId[] {
  const leader = cluster.leader?.settings.nodeId;
  return [random.chance(0.5) && leader !== undefined ? leader : victim];
}

function cut(
  tools: FaultTools,
  members: readonly NodeId[],
  cutsOf: (client: string, member: NodeId) => readonly Harm[],
): void {
  const clients = networkClientNames(tools.scenario);
  if (clients.length === 0) return;
  const client = tools.random.pick(clients);
  inflict(
    tools,
    members.flatMap((member) => cutsOf(client, member)),
  );
}
