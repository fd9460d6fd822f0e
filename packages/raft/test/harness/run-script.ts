import { Cluster } from './cluster.ts';
import { CommandLine } from './command-line.ts';
import { commands } from './commands/index.ts';
import type { Script } from './script.ts';
import { ScriptError } from './script.ts';

/**
 * Runs a script's commands on a fresh cluster and returns what each printed. Whatever goes wrong,
 * in the script or in the class under test, is told with file and line and the trace so far.
 */
export function runScript(script: Script): readonly (readonly string[])[] {
  const cluster = new Cluster();
  const outputs: (readonly string[])[] = [];
  for (const part of script.parts) {
    if (part.type === 'text') continue;
    try {
      runCommand(cluster, part.text);
    } catch (cause) {
      const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
      const lines = [`${script.file}:${part.line}: ${part.text}`, message, ...cluster.trace.take()];
      throw new ScriptError(lines.join('\n'), { cause });
    }
    outputs.push(cluster.trace.take());
  }
  return outputs;
}

function runCommand(cluster: Cluster, text: string): void {
  const line = new CommandLine(text);
  const command = commands.get(line.name);
  if (command === undefined) throw new ScriptError(`there is no command ${line.name}`);
  cluster.trace.level = 'all';
  command(cluster, line);
  line.end();
}
