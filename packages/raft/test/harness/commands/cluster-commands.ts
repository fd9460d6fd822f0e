import type { NodeId } from '@d-engine/base';
import type { Cluster } from '../cluster.ts';
import type { CommandLine } from '../command-line.ts';
import { oneOf } from '../command-line.ts';
import { formatInFlight } from '../format-message.ts';
import type { InitialDisk } from '../initial-log.ts';
import { initialContent } from '../initial-log.ts';
import type { Member } from '../raft-under-test.ts';
import { ScriptError } from '../script.ts';
import type { NodeSettings } from '../simulated-node.ts';
import { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { setTraceLevel } from './command.ts';
import { greetAll } from './hello-commands.ts';

/**
 * `add-nodes N [learners=4,5] [stopped] [formed=true|false] [log=TERM,..] [term=] [commit=]
 * [election=MIN..MAX] [heartbeat=MS] [lease=MS] [append-max=N]`: nodes 1 to N, by default of a
 * formed cluster, each voter bound, with the bootstrap entry alone in every log, all committed.
 */
export const addNodes: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'outcomes');
  if (cluster.nodes.size > 0) throw new ScriptError('the nodes are there already');
  const count = line.number('how many');
  const learners = line.optionNumbers('learners') ?? [];
  const formed = line.optionChoice('formed', ['true', 'false']) !== 'false';
  const stopped = line.flag('stopped');
  const members = Array.from({ length: count }, (_, position): Member => {
    const id = position + 1;
    const role = learners.includes(id) ? 'learner' : 'voter';
    return { id, address: `node${id}:9080`, role, promotable: role === 'learner' };
  });
  const settings = settingsOf(line, members);
  const disk = formed ? diskOf(line, settings) : undefined;
  for (const { id } of members) {
    const node = new SimulatedNode(id, settings);
    cluster.nodes.set(id, node);
    if (disk !== undefined) prepareDisk(cluster, node, disk);
  }
  if (stopped) return;
  for (const node of cluster.nodes.values()) cluster.start(node);
  if (formed) greetAll(cluster);
};

function settingsOf(line: CommandLine, initialMembers: readonly Member[]): NodeSettings {
  const [min, max] = (line.option('election') ?? '1000..2000').split('..').map(Number);
  return {
    initialMembers,
    electionTimeoutMinMs: min ?? 1000,
    electionTimeoutMaxMs: max ?? 2000,
    heartbeatIntervalMs: line.optionNumber('heartbeat') ?? 100,
    leaseDurationMs: line.optionNumber('lease') ?? 500,
    appendEntriesMax: line.optionNumber('append-max') ?? 100,
    bufferedEntriesMax: line.optionNumber('buffered-max') ?? 10_000,
    strategy: line.optionChoice('strategy', ['DiskFirst', 'MemFirst']) ?? 'DiskFirst',
  };
}

function diskOf(line: CommandLine, settings: NodeSettings): InitialDisk {
  return {
    members: settings.initialMembers,
    log: line.optionNumbers('log') ?? [1],
    term: line.optionNumber('term'),
    votedFor: line.optionNumber('vote'),
    commitIndex: line.optionNumber('commit'),
    stickinessMs: settings.electionTimeoutMinMs,
  };
}

function prepareDisk(cluster: Cluster, node: SimulatedNode, disk: InitialDisk): void {
  const content = initialContent(disk);
  node.disk.prepare(content);
  cluster.judge.assumeCommitted(content.entries.slice(0, content.commitIndex));
}

/** `disk NODE log=TERM,.. [term=] [vote=] [commit=]`: what a stopped node's disk holds instead. */
export const disk: Command = (cluster, line) => {
  const node = stoppedNode(cluster, line.node());
  prepareDisk(cluster, node, diskOf(line, node.settings));
};

/** `start [NODE..]`: stopped nodes start; then all that run greet each other. */
export const start: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'outcomes');
  const named = line.nodes();
  const ids = named.length === 0 ? [...cluster.nodes.keys()] : named;
  for (const id of ids) cluster.start(stoppedNode(cluster, id));
  greetAll(cluster);
};

/**
 * `crash NODE.. [keep=N|all] [inbound=kept]`: power fails. Writes that were not synced are gone,
 * except for the oldest `keep`, which had reached the platter though nobody heard of it. What the
 * node has sent stays on its way; what was on its way to it is lost, unless `inbound=kept`.
 */
export const crash: Command = (cluster, line) => {
  const keep = line.option('keep') ?? '0';
  const inbound = line.optionChoice('inbound', ['kept', 'lost']) ?? 'lost';
  for (const id of line.nodes()) {
    const node = cluster.node(id);
    if (node.raft === undefined) throw new ScriptError(`node ${id} is not running`);
    const pending = node.disk.pending.length;
    const kept = keep === 'all' ? pending : Math.min(Number(keep), pending);
    node.stop(kept);
    if (pending > 0) cluster.trace.print(`n${id} loses ${pending - kept} of ${pending} writes`);
    if (inbound === 'kept') continue;
    for (const lost of cluster.network.remove(({ to }) => to === id)) {
      cluster.trace.print(formatInFlight(lost, '-x'));
    }
  }
};

/** `stop NODE..`: a clean stop, with everything on disk and a run record that says so. */
export const stop: Command = (cluster, line) => {
  for (const id of line.nodes()) {
    cluster.node(id).stopCleanly();
    cluster.network.remove(({ to }) => to === id);
  }
};

/** `strategy NODE DiskFirst|MemFirst`: what a stopped node's file says from now on. */
export const strategy: Command = (cluster, line) => {
  const node = stoppedNode(cluster, line.node());
  const value = oneOf(line.word('a strategy'), ['DiskFirst', 'MemFirst'], 'the strategy');
  node.settings = { ...node.settings, strategy: value };
};

/**
 * `restart NODE.. [quiet] [outbound=kept]`: starts crashed nodes from their disks. Their old
 * streams are gone, unless what they sent is `kept`; unless `quiet`, each greets all it reaches.
 */
export const restart: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const quiet = line.flag('quiet');
  const keepsOutbound = line.optionChoice('outbound', ['kept', 'lost']) === 'kept';
  for (const id of line.nodes()) {
    const node = stoppedNode(cluster, id);
    if (!keepsOutbound) cluster.network.remove(({ from }) => from === id);
    cluster.start(node);
    if (!quiet) greetAll(cluster, id);
  }
};

/** `wipe NODE..`: crashed nodes lose their data directories. */
export const wipe: Command = (cluster, line) => {
  for (const id of line.nodes()) stoppedNode(cluster, id).wipe();
  const nodes = [...cluster.nodes.values()];
  if (nodes.every(({ disk: { durable } }) => durable.entries.length === 0)) cluster.judge.forget();
};

function stoppedNode(cluster: Cluster, id: NodeId): SimulatedNode {
  const node = cluster.node(id);
  if (node.raft !== undefined) throw new ScriptError(`node ${id} is running`);
  return node;
}

/** `partition 1,2 3,4,5`: only nodes of one group reach each other; who is in none is alone. */
export const partition: Command = (cluster, line) => {
  const groups = line.words().map((group) => group.split(',').map(Number));
  for (const id of groups.flat()) cluster.node(id);
  const all = [...cluster.nodes.keys()];
  for (const lost of cluster.network.partition(groups, all)) {
    cluster.trace.print(formatInFlight(lost, '-x'));
  }
};

/** `heal`: everybody reaches everybody again; the old streams have survived. */
export const heal: Command = (cluster) => {
  cluster.network.heal();
};
