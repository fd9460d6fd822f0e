import { formatHardState } from '../format-effects.ts';
import { formatEntries } from '../format-entry.ts';
import { instanceName } from '../names.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { runningOrNamed } from './command.ts';

/** `status [NODE..]`: one line a node. */
export const status: Command = (cluster, line) => {
  for (const node of runningOrNamed(cluster, line)) cluster.trace.print(statusLine(node));
};

function statusLine(node: SimulatedNode): string {
  const { raft } = node;
  if (raft === undefined) return `n${node.id} is down`;
  const parts = [
    `n${node.id} ${raft.role} t${raft.term}`,
    `leader=${raft.leaderId === null ? 'none' : `n${raft.leaderId}`}`,
    `commit=${raft.commitIndex}`,
    `last=${raft.lastLogIndex}`,
    `durable=${raft.durableIndex}`,
    String(raft.formationState),
  ];
  if (raft.transferring) parts.push('transferring');
  return parts.join(' ');
}

/** `raft-log [NODE..]`: every entry of each log, with what is only in memory after a bar. */
export const raftLog: Command = (cluster, line) => {
  for (const node of runningOrNamed(cluster, line)) {
    const { latest, durable } = node.disk;
    const { precedingIndex } = latest;
    const log = formatEntries(latest.entries.slice(precedingIndex));
    const behind = precedingIndex === 0 ? '' : `after ${precedingIndex}: `;
    const entries = `${behind}${log === '' ? 'empty' : log}`;
    const same = latest.entries.every((entry, at) => durable.entries[at]?.term === entry.term);
    const onDisk =
      same && durable.entries.length === latest.entries.length
        ? ''
        : ` | on disk: ${formatEntries(durable.entries)}`;
    cluster.trace.print(`n${node.id} ${entries}${onDisk}`);
  }
};

/** `hard-state [NODE..]`: what each disk remembers of terms and votes. */
export const hardState: Command = (cluster, line) => {
  const named = line.nodes();
  for (const id of named.length === 0 ? [...cluster.nodes.keys()] : named) {
    const state = cluster.node(id).disk.durable.hardState;
    const text = state === undefined ? 'none' : formatHardState(state, undefined);
    cluster.trace.print(`n${id} ${text}`);
  }
};

/** `progress NODE`: what a leader knows of its peers. */
export const progress: Command = (cluster, line) => {
  for (const peer of cluster.node(line.node()).running.progress()) {
    const inflight = peer.inflightMessages === 0 ? '' : ` inflight=${peer.inflightMessages}`;
    const bound = peer.bound ? '' : ' unbound';
    const indexes = `match=${peer.matchIndex} next=${peer.nextIndex}`;
    const pinned = peer.state === 'snapshot' ? ` of ${peer.snapshotIndex}` : '';
    cluster.trace.print(`n${peer.nodeId} ${peer.state}${pinned} ${indexes}${inflight}${bound}`);
  }
};

/** `bindings NODE`: which data directories the log ties to the node ids. */
export const bindings: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  const { commitIndex } = node.running;
  for (const { nodeId, instanceId, index } of node.running.bindings) {
    const committed = index <= commitIndex ? '' : ', not committed';
    cluster.trace.print(`n${nodeId} as ${instanceName(instanceId)} at ${index}${committed}`);
  }
};
