import { rmSync } from 'node:fs';
import { takenPorts } from './nodes.ts';
import { hasProcessTable, runningNodePids } from './processes.ts';

// Removes this example's data and logs, and with `all` what was built; never while a node runs.

const pids = runningNodePids(process.cwd());
// Where the system has no table of processes, a taken port is the only sign of a running node.
const ports = hasProcessTable ? [] : await takenPorts();
if (pids.length > 0 || ports.length > 0) {
  const who = pids.length > 0 ? `pids ${pids.join(' ')}` : `ports ${ports.join(', ')} are taken`;
  process.stderr.write(`clean: nodes of this example run (${who}): stop them first\n`);
  process.exit(2);
}
const targets = ['db', 'logs', ...(process.argv[2] === 'all' ? ['target'] : [])];
for (const target of targets) rmSync(target, { recursive: true, force: true });
process.stdout.write(`removed ${targets.join(', ')}\n`);
