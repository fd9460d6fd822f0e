import { readFileSync } from 'node:fs';

/** Three servers of one kind that run beside those of the other. */
export interface Cluster {
  readonly name: 'd-engine' | 'etcd';
  readonly pids: readonly number[];
  /** Where all calls go: a member that passed calls on would measure something else. */
  leaderAddress(): Promise<string>;
  stop(): Promise<void>;
}

const msPerTick = 10;

/** Processor time of all of its processes so far, of user and system. */
export function cpuMsOf(cluster: Cluster): number {
  return cluster.pids.reduce((sum, pid) => sum + cpuMsOfProcess(pid), 0);
}

function cpuMsOfProcess(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may hold spaces; what follows is separated by single ones.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}
