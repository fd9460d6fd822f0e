import { rmSync } from 'node:fs';
import { isPortTaken, nodes, runningNodePids } from './nodes.ts';

// Removes this example's data and logs, and with `all` what was built; never while a node runs.

const pids = runningNodePids(process.cwd());
const isTaken = pids.length > 0 || (await anyPortTaken());
if (isTaken) {
  const who = pids.length === 0 ? '' : ` (pids ${pids.join(' ')})`;
  process.stderr.write(`clean: nodes of this example are running${who}: stop them first\n`);
  process.exit(2);
}
const targets = ['db', 'logs', ...(process.argv[2] === 'all' ? ['target'] : [])];
for (const target of targets) rmSync(target, { recursive: true, force: true });
process.stdout.write(`removed ${targets.join(', ')}\n`);

/** Where the system has no /proc, a taken port is the only sign of a running node. */
async function anyPortTaken(): Promise<boolean> {
  if (process.platform === 'linux') return false;
  for (const { port } of nodes) if (await isPortTaken(port)) return true;
  return false;
}
