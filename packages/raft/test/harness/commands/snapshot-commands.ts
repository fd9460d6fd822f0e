import type { LogIndex } from '@d-engine/base';
import { must } from '@d-engine/base';
import type { Cluster, SimulatedTransfer } from '../cluster.ts';
import type { CommandLine } from '../command-line.ts';
import { ScriptError } from '../script.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { setTraceLevel } from './command.ts';

/**
 * `snapshot NODE [keep=K]`: a durable snapshot of what the node applied; its log goes on after
 * that, but for the last K entries.
 */
export const snapshot: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const keep = line.optionNumber('keep') ?? 0;
  const { applied, running: raft } = node;
  const entries = node.disk.latest.entries.slice(0, applied);
  const { clusterTimeMs } = must(entries.at(-1), `what node ${node.id} has applied`);
  const own = raft.snapshotAt(applied);
  node.disk.saveSnapshot({ raft: { ...own, clusterTimeMs }, entries });
  cluster.trace.print(`n${node.id} has a snapshot up to ${applied}@${own.term}`);
  const upTo = Math.min(applied - keep, raft.durableIndex);
  if (upTo < raft.firstLogIndex) return;
  node.disk.purge(upTo);
  cluster.input(node, (running) => running.compacted(upTo));
};

/**
 * `install NODE [from=ID]`: the snapshot that was sent to the node has come whole, and is durable
 * there. Its sender does not hear of that by itself.
 */
export const install: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const from = line.optionNumber('from');
  const transfer = cluster.transfers.find(
    ({ to, from: sender }) => to === node.id && (from ?? sender) === sender,
  );
  if (transfer === undefined) throw new ScriptError(`nothing is sent to node ${node.id}`);
  node.disk.saveSnapshot(transfer.snapshot);
  cluster.input(node, (raft) => {
    const at = cluster.clock.at(node.id);
    const { raft: content } = transfer.snapshot;
    const verdict = raft.installSnapshot(content, transfer.leaderTerm, at);
    const place = `${content.index}@${content.term}`;
    cluster.trace.print(`n${node.id} ${sentences[verdict]} ${place}`);
    if (verdict === 'installed') loadState(node, content.index);
  });
};

const sentences = {
  installed: 'begins anew after',
  kept: 'keeps its log, which has',
  stale: 'needs no snapshot up to',
} as const;

function loadState(node: SimulatedNode, index: LogIndex): void {
  node.applied = index;
  node.commitShown = index;
  node.running.applied(index);
}

/** `snapshot-sent FROM TO [up-to=INDEX]`: the sender hears that it came, or what was there. */
export const snapshotSent: Command = (cluster, line) => {
  const { node, transfer } = takeTransfer(cluster, line);
  const upTo = line.optionNumber('up-to') ?? transfer.snapshot.raft.index;
  const { to, instanceId } = transfer;
  cluster.input(node, (raft) => raft.snapshotSent(to, instanceId, upTo));
};

/** `snapshot-failed FROM TO`: the sender gives up, and has waited for a while. */
export const snapshotFailed: Command = (cluster, line) => {
  const { node, transfer } = takeTransfer(cluster, line);
  const { to, instanceId } = transfer;
  cluster.input(node, (raft) => raft.snapshotFailed(to, instanceId));
};

function takeTransfer(
  cluster: Cluster,
  line: CommandLine,
): { readonly node: SimulatedNode; readonly transfer: SimulatedTransfer } {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const receiver = line.node();
  const position = cluster.transfers.findIndex(
    ({ from, to }) => from === node.id && to === receiver,
  );
  const [transfer] = position < 0 ? [] : cluster.transfers.splice(position, 1);
  if (transfer === undefined) throw new ScriptError(`node ${node.id} sends nothing there`);
  return { node, transfer };
}

/** `expect-transfers COUNT`: so many snapshots are on their way. */
export const expectTransfers: Command = (cluster, line) => {
  const expected = line.number('how many');
  const { length } = cluster.transfers;
  if (length !== expected) throw new ScriptError(`${length} snapshots are on their way`);
};
