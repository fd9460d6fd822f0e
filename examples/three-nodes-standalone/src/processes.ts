import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

// What Linux tells of processes. On other systems there is no /proc: nothing is found then, and
// callers say less.

export const hasProcessTable: boolean = existsSync('/proc/self/cmdline');

/** Running nodes of the example in `directory`: those whose program and working directory fit. */
export function runningNodePids(directory: string): number[] {
  return allPids().filter((pid) => {
    const words = commandOf(pid);
    if (!words.some((word) => word.endsWith('target/release/demo'))) return false;
    return quietly(() => readlinkSync(`/proc/${pid}/cwd`)) === directory;
  });
}

export function commandOf(pid: number): string[] {
  const text = quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '';
  return text.split('\0').filter((word) => word !== '');
}

/** Who listens on each port, as far as this user may see. */
export function listenersOf(ports: readonly number[]): Map<number, number[]> {
  const byInode = listeningSockets(ports);
  const found = new Map<number, number[]>();
  if (byInode.size === 0) return found;
  for (const pid of allPids()) {
    for (const name of quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const target = quietly(() => readlinkSync(`/proc/${pid}/fd/${name}`)) ?? '';
      const port = byInode.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '');
      if (port !== undefined) found.set(pid, [...(found.get(pid) ?? []), port]);
    }
  }
  return found;
}

/** The port of each listening socket, by inode. */
function listeningSockets(ports: readonly number[]): Map<string, number> {
  const listening = '0A';
  const byInode = new Map<string, number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const lines = (quietly(() => readFileSync(table, 'utf8')) ?? '').split('\n').slice(1);
    for (const line of lines) {
      const columns = line.trim().split(/\s+/);
      const port = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16);
      if (columns[3] !== listening || !ports.includes(port)) continue;
      byInode.set(columns[9] ?? '', port);
    }
  }
  return byInode;
}

function allPids(): number[] {
  if (!hasProcessTable) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Undefined when the process ended meanwhile, or belongs to somebody else. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // See above: both are ordinary here.
    return undefined;
  }
}
