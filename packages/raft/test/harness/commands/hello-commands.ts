import type { NodeId } from '@d-engine/base';
import type { Cluster } from '../cluster.ts';
import { oneOf } from '../command-line.ts';
import { initialVotersHash } from '../raft-under-test.ts';
import { ScriptError } from '../script.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { setTraceLevel } from './command.ts';

/** New streams between all running nodes that reach each other, or only those of one node. */
export function greetAll(cluster: Cluster, only?: NodeId): void {
  for (const from of cluster.runningNodes()) {
    for (const to of cluster.runningNodes()) {
      if (from === to || !cluster.network.connected(from.id, to.id)) continue;
      if (only === undefined || only === from.id || only === to.id) greet(cluster, from, to);
    }
  }
}

/** What the first message of a stream from one node says, given to the other. */
function greet(cluster: Cluster, from: SimulatedNode, to: SimulatedNode): void {
  const hello = {
    nodeId: from.id,
    instanceId: from.instanceId,
    bootCount: from.bootCount,
    state: from.running.durableIndex > 0 ? ('formed' as const) : ('empty' as const),
    initialVotersHash: initialVotersHash(from.settings.initialMembers),
    clusterId: from.running.clusterId ?? null,
    recovering: from.running.recovering,
  };
  const run = `boot=${hello.bootCount}${hello.recovering ? ' recovering' : ''}`;
  const what = `hello n${from.id} => n${to.id} ${hello.state} ${run}`;
  cluster.trace.add('deliver', what);
  const at = cluster.clock.at(to.id);
  const verdict = cluster.input(to, (raft) => raft.peerHello(hello, at));
  if (verdict !== 'accepted') cluster.trace.add('outcome', `${what}: ${verdict}`);
}

/** `hello [NODE NODE]`: both ways between two nodes, or between all that reach each other. */
export const hello: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  if (!line.hasWord()) {
    greetAll(cluster);
    return;
  }
  const first = cluster.node(line.node());
  const second = cluster.node(line.node());
  if (!cluster.network.connected(first.id, second.id)) throw new ScriptError('no link');
  greet(cluster, first, second);
  greet(cluster, second, first);
};

/** `hello-from FROM TO [boot=N]`: one way; with a boot count of one's own choice, an old stream. */
export const helloFrom: Command = (cluster, line) => {
  const from = cluster.node(line.node());
  const to = cluster.node(line.node());
  const boot = line.optionNumber('boot') ?? from.bootCount;
  const actual = from.bootCount;
  from.bootCount = boot;
  greet(cluster, from, to);
  from.bootCount = actual;
};

/** `peer-lost NODE PEER control|data|bulk`: a stream to the peer broke. */
export const peerLost: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  const peer = cluster.node(line.node()).id;
  const plane = oneOf(line.word('a plane'), ['control', 'data', 'bulk'], 'the plane');
  cluster.input(node, (raft) => raft.peerLost(peer, plane, cluster.clock.at(node.id)));
};

/** `initial-members NODE ID..`: what a stopped node's file calls the initial voters. */
export const initialMembers: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  if (node.raft !== undefined) throw new ScriptError(`node ${node.id} is running`);
  const members = line.nodes().map((id) => ({
    id,
    address: `node${id}:9080`,
    role: 'voter' as const,
    promotable: false,
  }));
  node.settings = { ...node.settings, initialMembers: members };
};

/** `election-timeout NODE MIN..MAX`: what a stopped node's file says of it. */
export const electionTimeout: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  if (node.raft !== undefined) throw new ScriptError(`node ${node.id} is running`);
  const [min, max] = line.word('a range').split('..').map(Number);
  if (min === undefined || max === undefined) throw new ScriptError('a range is MIN..MAX');
  node.settings = { ...node.settings, electionTimeoutMinMs: min, electionTimeoutMaxMs: max };
};
