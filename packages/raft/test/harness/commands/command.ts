import type { NodeId } from '@d-engine/base';
import type { Cluster } from '../cluster.ts';
import type { CommandLine } from '../command-line.ts';
import { oneOf } from '../command-line.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { TraceLevel } from '../trace.ts';
import { traceLevels } from '../trace.ts';

/** Does what a line says. It takes its arguments off the line before it acts. */
export type Command = (cluster: Cluster, line: CommandLine) => void;

/** `trace=` of the line, or what this command shows by default. */
export function setTraceLevel(cluster: Cluster, line: CommandLine, otherwise: TraceLevel): void {
  const level = line.option('trace');
  cluster.trace.level = level === undefined ? otherwise : oneOf(level, traceLevels, 'trace');
}

/** The nodes that the line names; all that run, if it names none. */
export function runningOrNamed(cluster: Cluster, line: CommandLine): readonly SimulatedNode[] {
  const named: readonly NodeId[] = line.nodes();
  return named.length === 0 ? cluster.runningNodes() : named.map((id) => cluster.node(id));
}
