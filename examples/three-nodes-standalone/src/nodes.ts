import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** The nodes of this example, as its config files have them. */
export interface ExampleNode {
  readonly id: number;
  readonly port: number;
  readonly metricsPort: number;
}

export const nodes: readonly ExampleNode[] = [1, 2, 3].map((id) => ({
  id,
  port: 9080 + id,
  metricsPort: 8080 + id,
}));

/** Whether somebody listens on the port already. */
export function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(true);
      else reject(error);
    });
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(false)));
  });
}

/**
 * Processes of this example: those whose command line runs its `demo` and whose working directory
 * is this one. Empty where the system has no /proc.
 */
export function runningNodePids(directory: string): number[] {
  if (!existsSync('/proc')) return [];
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    if (isNodeOf(pid, directory)) pids.push(pid);
  }
  return pids;
}

function isNodeOf(pid: number, directory: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (!words.some((word) => word.endsWith('target/release/demo'))) return false;
    return readlinkSync(`/proc/${pid}/cwd`) === directory;
  } catch {
    // The process ended meanwhile, or belongs to somebody else.
    return false;
  }
}
