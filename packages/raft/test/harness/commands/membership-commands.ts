import { formatConfiguration } from '../format-entry.ts';
import type { NewLearner } from '../raft-under-test.ts';
import { ScriptError } from '../script.ts';
import { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { runningOrNamed, setTraceLevel } from './command.ts';
import { greetAll } from './hello-commands.ts';

/** `join-node NODE`: an empty node that is configured as a learner of the others starts. */
export const joinNode: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'outcomes');
  const id = line.node();
  if (cluster.nodes.has(id)) throw new ScriptError(`node ${id} is there already`);
  const [first] = cluster.nodes.values();
  if (first === undefined) throw new ScriptError('there is nothing to join');
  const { settings } = first;
  const self = { id, address: `node${id}:9080`, role: 'learner' as const, promotable: true };
  const initialMembers = [...settings.initialMembers, self];
  const node = new SimulatedNode(id, { ...settings, initialMembers });
  cluster.nodes.set(id, node);
  cluster.start(node);
  greetAll(cluster, id);
};

/**
 * `change NODE [add=ID,..] [add-unnamed=ID,..] [read-only=ID,..] [promote=ID,..] [remove=ID,..]`:
 * the node is asked to change the members, all at once. `add` names the data directory that the
 * node has now, `add-unnamed` none.
 */
export const change: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const learner = (id: number, promotable: boolean, named: boolean): NewLearner => ({
    id,
    address: `node${id}:9080`,
    promotable,
    instanceId: named ? cluster.node(id).instanceId : undefined,
  });
  const add = [
    ...(line.optionNumbers('add') ?? []).map((id) => learner(id, true, true)),
    ...(line.optionNumbers('add-unnamed') ?? []).map((id) => learner(id, true, false)),
    ...(line.optionNumbers('read-only') ?? []).map((id) => learner(id, false, true)),
  ];
  const promote = line.optionNumbers('promote') ?? [];
  const remove = line.optionNumbers('remove') ?? [];
  const at = cluster.clock.at(node.id);
  const result = cluster.input(node, (raft) => raft.changeMembership({ add, promote, remove }, at));
  if (!result.accepted) cluster.trace.print(`n${node.id} refuses: ${result.reason}`);
};

/** `members [NODE..]`: the configuration in force on each, and since which entry. */
export const members: Command = (cluster, line) => {
  for (const { id, running } of runningOrNamed(cluster, line)) {
    const { configuration, configurationIndex, commitIndex } = running;
    const text = formatConfiguration(configuration);
    const committed = configurationIndex <= commitIndex ? '' : ', not committed';
    cluster.trace.print(`n${id} ${text} by ${configurationIndex}${committed}`);
  }
};
