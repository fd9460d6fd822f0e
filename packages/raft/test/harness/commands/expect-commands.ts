import type { Cluster } from '../cluster.ts';
import { oneOf } from '../command-line.ts';
import { formatConfiguration } from '../format-entry.ts';
import { ScriptError } from '../script.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';

// What a script must not lose when its outputs are recorded anew.

/** What `expect` can ask of a node, as text. */
const views: Readonly<Record<string, (node: SimulatedNode, cluster: Cluster) => string>> = {
  role: (node) => node.running.role,
  term: (node) => String(node.running.term),
  leader: (node) => String(node.running.leaderId ?? 'none'),
  commit: (node) => String(node.running.commitIndex),
  last: (node) => String(node.running.lastLogIndex),
  durable: (node) => String(node.running.durableIndex),
  formation: (node) => String(node.running.formationState),
  pending: (node) => String(node.disk.pending.length),
  wanted: (node) => String(node.wanted.length),
  transferring: (node) => String(node.running.transferring),
  lease: (node, cluster) => (node.running.leaseValid(cluster.clock.at(node.id)) ? 'holds' : 'void'),
  log: (node) => node.disk.latest.entries.map(({ term }) => term).join(','),
  diskLog: (node) => node.disk.durable.entries.map(({ term }) => term).join(','),
  diskVote: (node) => String(node.disk.durable.hardState?.votedFor?.nodeId ?? 'none'),
  diskTerm: (node) => String(node.disk.durable.hardState?.term ?? 0),
  members: (node) => formatConfiguration(node.running.configuration).replaceAll(' ', ';'),
  removed: (node) => String(node.running.isRemoved),
  recovering: (node) => String(node.running.recovering),
  clusterId: (node) => (node.running.clusterId === undefined ? 'none' : 'known'),
};

/** `expect NODE.. KEY=VALUE..`: keys as in the table above. */
export const expectNode: Command = (cluster, line) => {
  const ids = line.nodes();
  const options = [...line.options()];
  if (ids.length === 0 || options.length === 0) throw new ScriptError('expect what of whom?');
  for (const id of ids) {
    for (const [key, wanted] of options) {
      const view = views[oneOf(key, Object.keys(views), 'the key')];
      const actual = view?.(cluster.node(id), cluster);
      if (actual !== wanted) {
        throw new ScriptError(`node ${id} has ${key}=${actual}, expected ${wanted}`);
      }
    }
  }
};

/** `expect-no-leader [NODE..]`: none of these (or of all) leads. */
export const expectNoLeader: Command = (cluster, line) => {
  const named = line.nodes();
  for (const { id, raft } of cluster.runningNodes()) {
    if (named.length > 0 && !named.includes(id)) continue;
    if (raft?.role === 'leader') throw new ScriptError(`node ${id} leads in term ${raft.term}`);
  }
};

/** `expect-read ID pending|ready|refused`. */
export const expectRead: Command = (cluster, line) => {
  const readId = line.number('a read');
  const wanted = oneOf(line.word('a state'), ['pending', 'ready', 'refused'], 'the state');
  const actual = cluster.judge.stateOfRead(readId);
  if (actual !== wanted) throw new ScriptError(`read ${readId} is ${actual}, expected ${wanted}`);
};

/** `expect-committed INDEX`: so much, and no more, was ever committed anywhere. */
export const expectCommitted: Command = (cluster, line) => {
  const wanted = line.number('an index');
  const actual = cluster.judge.committedIndex;
  if (actual !== wanted) throw new ScriptError(`committed up to ${actual}, expected ${wanted}`);
};
