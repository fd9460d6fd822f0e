import type { NodeId } from '@d-engine/base';
import type { Cluster } from '../cluster.ts';
import { ScriptError } from '../script.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { runningOrNamed, setTraceLevel } from './command.ts';
import { campaignOnce } from './time-commands.ts';

const attemptsMax = 5;
const electionTypes = ['preVoteRequest', 'voteRequest', 'voteResponse'];

/**
 * `elect NODE [VOTER..]`: this node campaigns and the messages of the election, only they, pass
 * between it and these voters (or all), until it leads. Appends stay on their links.
 */
export const elect: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'outcomes');
  const node = cluster.node(line.node());
  const voters = new Set(runningOrNamed(cluster, line).map(({ id }) => id));
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    campaignOnce(cluster, node);
    deliverElection(cluster, node, voters);
    if (node.running.role === 'leader') return;
  }
  throw new ScriptError(`node ${node.id} is not elected`);
};

function deliverElection(cluster: Cluster, node: SimulatedNode, voters: ReadonlySet<NodeId>): void {
  for (;;) {
    const next = cluster.network.queue.find(
      ({ from, to, message }) =>
        electionTypes.includes(message.type) &&
        ((from === node.id && voters.has(to)) || (to === node.id && voters.has(from))),
    );
    if (next === undefined) return;
    cluster.network.remove((inFlight) => inFlight === next);
    cluster.deliver(next);
  }
}
