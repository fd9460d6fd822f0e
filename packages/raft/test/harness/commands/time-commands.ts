import type { NodeId } from '@d-engine/base';
import type { Cluster } from '../cluster.ts';
import { ScriptError } from '../script.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { Command } from './command.ts';
import { runningOrNamed, setTraceLevel } from './command.ts';
import { settleAmong } from './message-commands.ts';

const ticksMax = 10_000;

/** `tick NODE..`: looks at the clock, which stands still. */
export const tick: Command = (cluster, line) => {
  for (const node of runningOrNamed(cluster, line)) cluster.tick(node);
};

/**
 * `advance MS [NODE..]`: time passes for all; only the named nodes (or all) look at the clock,
 * each exactly when it is due. Messages stay on their links.
 */
export const advance: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const ms = line.number('milliseconds');
  const nodes = runningOrNamed(cluster, line);
  advanceTo(cluster, nodes, cluster.clock.elapsedMs + ms, () => undefined);
};

/** `run MS [NODE..]`: as advance, and messages among the nodes arrive at once. */
export const run: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'outcomes');
  const ms = line.number('milliseconds');
  const nodes = runningOrNamed(cluster, line);
  const ids = new Set<NodeId>(nodes.map(({ id }) => id));
  settleAmong(cluster, ids);
  advanceTo(cluster, nodes, cluster.clock.elapsedMs + ms, () => settleAmong(cluster, ids));
};

/**
 * `campaign NODE`: time passes until this node's election timeout is over. The others are just
 * too slow to notice theirs.
 */
export const campaign: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  campaignOnce(cluster, cluster.node(line.node()));
};

export function campaignOnce(cluster: Cluster, node: SimulatedNode): void {
  const before = node.running.term;
  for (let ticks = 0; ticks < ticksMax; ticks++) {
    cluster.clock.moveTo(dueAt(cluster, node));
    cluster.tick(node);
    const { role, term } = node.running;
    if (term > before || role === 'preCandidate') return;
  }
  throw new ScriptError(`node ${node.id} does not campaign`);
}

/** `wall-jump MS [NODE..]`: somebody sets the clock of the machine. */
export const wallJump: Command = (cluster, line) => {
  const ms = line.number('milliseconds');
  for (const { id } of runningOrNamed(cluster, line)) cluster.clock.jumpWall(id, ms);
};

/** `random NODE PERCENT..`: the next random numbers of a node, for instance for its timeouts. */
export const random: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  node.randoms = line.nodes().map((percent) => percent / 100);
};

function advanceTo(
  cluster: Cluster,
  nodes: readonly SimulatedNode[],
  untilMs: number,
  afterTick: () => void,
): void {
  for (let ticks = 0; ticks < ticksMax; ticks++) {
    const next = nextDue(cluster, nodes);
    if (next === undefined || dueAt(cluster, next) > untilMs) {
      cluster.clock.moveTo(untilMs);
      return;
    }
    cluster.clock.moveTo(dueAt(cluster, next));
    cluster.tick(next);
    if (next.raft !== undefined && dueAt(cluster, next) <= cluster.clock.elapsedMs) {
      throw new ScriptError(`node ${next.id} wants to be ticked again at once`);
    }
    afterTick();
  }
  throw new ScriptError('too many ticks');
}

function nextDue(cluster: Cluster, nodes: readonly SimulatedNode[]): SimulatedNode | undefined {
  const running = nodes.filter(({ raft }) => raft !== undefined);
  return running.reduce<SimulatedNode | undefined>(
    (first, node) =>
      first === undefined || dueAt(cluster, node) < dueAt(cluster, first) ? node : first,
    undefined,
  );
}

function dueAt(cluster: Cluster, node: SimulatedNode): number {
  return cluster.clock.elapsedAt(node.running.nextTickAtMs());
}
