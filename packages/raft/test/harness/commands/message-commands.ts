import type { NodeId } from '@d-engine/base';
import type { Cluster } from '../cluster.ts';
import type { CommandLine } from '../command-line.ts';
import { oneOf } from '../command-line.ts';
import { formatInFlight } from '../format-message.ts';
import { ScriptError } from '../script.ts';
import type { MessageFilter } from '../simulated-network.ts';
import type { Command } from './command.ts';
import { runningOrNamed, setTraceLevel } from './command.ts';

const deliveriesMax = 10_000;
const planes = ['control', 'data', 'bulk'] as const;
const types = [
  'preVoteRequest',
  'voteRequest',
  'voteResponse',
  'appendRequest',
  'appendResponse',
  'heartbeatRequest',
  'heartbeatResponse',
  'timeoutNowRequest',
  'readIndexRequest',
  'readIndexResponse',
] as const;

/** `from= to= plane= type=A,B count=`, in any combination. */
function filterOf(line: CommandLine): MessageFilter {
  return {
    from: line.optionNumber('from'),
    to: line.optionNumber('to'),
    plane: line.optionChoice('plane', planes),
    types: line
      .option('type')
      ?.split(',')
      .map((type) => oneOf(type, types, 'type')),
    count: line.optionNumber('count'),
  };
}

/** `deliver [filter]`: hands over what is on its way now, oldest first. */
export const deliver: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const taken = cluster.network.take(filterOf(line));
  for (const inFlight of some(taken)) cluster.deliver(inFlight);
};

/** `drop [filter]`: the network loses them. */
export const drop: Command = (cluster, line) => {
  for (const inFlight of some(cluster.network.take(filterOf(line)))) {
    cluster.trace.print(formatInFlight(inFlight, '-x'));
  }
};

/** `duplicate [filter]`: each is on its way a second time, behind everything else. */
export const duplicate: Command = (cluster, line) => {
  for (const inFlight of some(cluster.network.duplicate(filterOf(line)))) {
    cluster.trace.print(formatInFlight(inFlight, '->'));
  }
};

/** `reorder [filter]`: the newest of them arrives first. */
export const reorder: Command = (cluster, line) => {
  for (const inFlight of some(cluster.network.reverse(filterOf(line)))) {
    cluster.trace.print(formatInFlight(inFlight, '->'));
  }
};

/** A command that was meant for messages and finds none is a mistake of the script. */
function some<T>(found: readonly T[]): readonly T[] {
  if (found.length === 0) throw new ScriptError('no message on its way matches');
  return found;
}

/** `stabilize [NODE..]`: messages among these nodes (or all) arrive until there are none. */
export const stabilize: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'messages');
  settleAmong(cluster, new Set(runningOrNamed(cluster, line).map(({ id }) => id)));
};

export function settleAmong(cluster: Cluster, nodes: ReadonlySet<NodeId>): void {
  for (let count = 0; count < deliveriesMax; count++) {
    const inFlight = cluster.network.takeOldestAmong(nodes);
    if (inFlight === undefined) return;
    cluster.deliver(inFlight);
  }
  throw new ScriptError('the nodes never stop sending');
}

/** `queue [filter]`: shows what is on its way. */
export const queue: Command = (cluster, line) => {
  for (const inFlight of cluster.network.matching(filterOf(line))) {
    cluster.trace.print(formatInFlight(inFlight, '->'));
  }
};

/** `expect-queue COUNT [filter]`: so many matching messages are on their way. */
export const expectQueue: Command = (cluster, line) => {
  const expected = line.number('how many');
  const found = cluster.network.matching(filterOf(line));
  if (found.length === expected) return;
  const shown = found.map((inFlight) => formatInFlight(inFlight, '->'));
  throw new ScriptError(`${found.length} messages instead of ${expected}: ${shown.join('; ')}`);
};
