import { spawn } from 'node:child_process';
import { parseFlags, usage } from './flags.ts';
import type { NamespaceNames } from './hosts.ts';
import {
  canMakeNamespaces,
  clientNamespaceOf,
  loopbackHosts,
  makeNamespaces,
  NamespaceHosts,
  removeNamespaces,
} from './hosts.ts';
import { runChaos } from './run-chaos.ts';

// Real nodes under faults, and the check of what their clients saw. With namespaces this process
// makes them and runs itself once more inside, where the clients can reach the nodes.

const root = process.cwd();
const words = process.argv.slice(2);
const namesVariable = 'D_ENGINE_CHAOS_NAMESPACES';

const say = (line: string): void => {
  process.stdout.write(`chaos: ${line}\n`);
};

async function main(): Promise<number> {
  if (words.includes('--help')) {
    process.stdout.write(`usage: ${usage}\n`);
    return 0;
  }
  const flags = parse();
  if (flags === undefined) return 2;
  // The nodes end with this process, which must end in order for that.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(130));
  const inside = process.env[namesVariable];
  if (inside !== undefined) {
    const hosts = new NamespaceHosts(JSON.parse(inside) as NamespaceNames);
    return verdict(await runChaos({ root, flags, hosts, say }));
  }
  if (flags.network && canMakeNamespaces()) {
    return runInside({ prefix: `d-engine-${process.pid}`, nodes: flags.nodes }, flags.seed);
  }
  if (flags.network) say('not run: cuts of the network, which need root and the command ip');
  return verdict(await runChaos({ root, flags, hosts: loopbackHosts, say }));
}

function parse(): ReturnType<typeof parseFlags> | undefined {
  try {
    return parseFlags(words);
  } catch (error) {
    process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function verdict(isClean: boolean): number {
  say(isClean ? 'passed: nothing lost, nothing stale, all nodes back' : 'FAILED');
  return isClean ? 0 : 1;
}

async function runInside(names: NamespaceNames, seed: number): Promise<number> {
  try {
    makeNamespaces(names);
    const script = ['tools/run-ts.mjs', 'tools/chaos/main.ts'];
    const command = [
      'netns',
      'exec',
      clientNamespaceOf(names),
      process.execPath,
      ...script,
      ...words,
    ];
    const child = spawn('ip', [...command, '--seed', String(seed)], {
      env: { ...process.env, [namesVariable]: JSON.stringify(names) },
      stdio: 'inherit',
    });
    // Ctrl-C reaches both; this one waits for the other and cleans up.
    process.removeAllListeners('SIGINT').on('SIGINT', () => undefined);
    process.removeAllListeners('SIGTERM').on('SIGTERM', () => child.kill('SIGTERM'));
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 1));
    });
  } finally {
    removeNamespaces(names);
  }
}

process.exitCode = await main();
