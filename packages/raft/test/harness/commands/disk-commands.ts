import { oneOf } from '../command-line.ts';
import { ScriptError } from '../script.ts';
import type { Command } from './command.ts';
import { setTraceLevel } from './command.ts';

const modes = ['auto', 'manual'] as const;

/** `persist NODE [count=]`: the oldest pending writes (or all) become durable, in order. */
export const persist: Command = (cluster, line) => {
  setTraceLevel(cluster, line, 'all');
  const node = cluster.node(line.node());
  const count = line.optionNumber('count') ?? node.disk.pending.length;
  if (node.disk.pending.length === 0) throw new ScriptError(`node ${node.id} writes nothing`);
  for (let done = 0; done < count; done++) {
    if (cluster.completeWrite(node) === undefined) throw new ScriptError('not so many writes');
  }
};

/**
 * `persist-mode NODE auto|awaited|manual`. Auto completes what is pending; awaited only what
 * somebody waits for, as a disk whose flushes are put off.
 */
export const persistMode: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  node.disk.mode = oneOf(line.word('a mode'), ['auto', 'awaited', 'manual'], 'the mode');
  while (node.disk.completes && cluster.completeWrite(node) !== undefined);
};

/** `apply NODE [INDEX]`: the state machine takes what is committed, or up to an index. */
export const apply: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  const { commitIndex } = node.running;
  const index = line.hasWord() ? line.number('an index') : commitIndex;
  if (index > commitIndex) throw new ScriptError(`${index} is not committed at node ${node.id}`);
  cluster.apply(node, index);
};

/** `apply-mode NODE auto|manual`: manual stands for a state machine that is behind. */
export const applyMode: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  node.applyMode = oneOf(line.word('a mode'), modes, 'the mode');
  if (node.applyMode === 'auto') cluster.apply(node, node.running.commitIndex);
};

/** `read-mode NODE auto|manual`: manual keeps reads of old entries waiting. */
export const readMode: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  node.readMode = oneOf(line.word('a mode'), modes, 'the mode');
  while (node.readMode === 'auto' && cluster.completeRead(node));
};

/** `finish-read NODE`: the oldest read of old entries is answered. */
export const finishRead: Command = (cluster, line) => {
  const node = cluster.node(line.node());
  if (!cluster.completeRead(node)) throw new ScriptError(`node ${node.id} reads nothing`);
};
