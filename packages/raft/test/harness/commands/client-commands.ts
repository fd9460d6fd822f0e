import { entryKinds } from '@d-engine/base';
import { ScriptError } from '../script.ts';
import type { Command } from './command.ts';
import { setTraceLevel } from './command.ts';

/** `propose NODE PAYLOAD..`: one batch of commands. */
export const propose: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const proposals = line.words().map((word) => ({
    kind: entryKinds.command,
    payload: new TextEncoder().encode(word),
  }));
  if (proposals.length === 0) throw new ScriptError('propose what?');
  const at = cluster.clock.at(node.id);
  const result = cluster.input(node, (raft) => raft.propose(proposals, at));
  if (result.accepted) return;
  const leader = result.leaderId === null ? 'none' : `n${result.leaderId}`;
  cluster.trace.print(`n${node.id} refuses: ${result.reason}, leader=${leader}`);
};

/** `read NODE [count=N]`: linearizable reads, numbered from 1 in each script. */
export const read: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const count = line.optionNumber('count') ?? 1;
  for (let done = 0; done < count; done++) {
    cluster.trace.print(`n${node.id} read ${cluster.nextReadId} asked`);
    cluster.readIndex(node);
  }
};

/** `transfer FROM [TO]`: the leader hands over, to a node of its own choice if none is named. */
export const transfer: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const target = line.hasWord() ? line.node() : undefined;
  const at = cluster.clock.at(node.id);
  const started = cluster.input(node, (raft) => raft.transferLeadership(target, at));
  cluster.trace.print(started ? 'transfer begins' : 'no transfer');
};

/** `stop-leader`: whoever leads is asked to stop in good order, and so hands over first. */
export const stopLeader: Command = (cluster) => {
  const leaders = cluster.runningNodes().filter(({ raft }) => raft?.role === 'leader');
  const [node] = leaders;
  if (node === undefined || leaders.length > 1) {
    throw new ScriptError(`${leaders.length} nodes lead`);
  }
  const at = cluster.clock.at(node.id);
  const started = cluster.input(node, (raft) => raft.transferLeadership(undefined, at));
  cluster.trace.print(`n${node.id} ${started ? 'hands over' : 'has nobody to hand over to'}`);
};

/** `lease NODE`: whether this node may answer reads alone now. */
export const lease: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  const valid = node.running.leaseValid(cluster.clock.at(node.id));
  cluster.trace.print(`n${node.id} lease ${valid ? 'holds' : 'is void'}`);
};
