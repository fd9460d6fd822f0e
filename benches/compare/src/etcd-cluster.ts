import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../../tools/cluster/free-ports.ts';
import type { Cluster } from './cluster.ts';

const members = 3;
const readyWithinMs = 30_000;

interface MemberStatus {
  readonly leader: string;
  readonly header: { readonly member_id: string };
}

/** etcd as it comes, on free ports and in a temporary folder. */
export async function startEtcd(program: string): Promise<Cluster> {
  const ports = await freePorts(members * 2);
  const directory = mkdtempSync(join(tmpdir(), 'etcd-cluster-'));
  const clients = ports.slice(0, members).map((port) => `127.0.0.1:${port}`);
  const peers = ports.slice(members).map((port) => `http://127.0.0.1:${port}`);
  const children = clients.map((client, index) =>
    startMember({ program, directory, index, client: `http://${client}`, peers }),
  );
  return {
    name: 'etcd',
    pids: children.map(({ pid }) => pid as number),
    leaderAddress: () => leaderOf(clients),
    async stop() {
      await Promise.all(children.map(end));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface MemberOptions {
  readonly program: string;
  readonly directory: string;
  readonly index: number;
  readonly client: string;
  readonly peers: readonly string[];
}

function startMember(options: MemberOptions): ChildProcess {
  const { program, directory, index, client, peers } = options;
  const peer = peers[index] as string;
  const flags = {
    name: `e${index}`,
    'data-dir': join(directory, `e${index}`),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': peers.map((url, position) => `e${position}=${url}`).join(','),
    'initial-cluster-state': 'new',
    'log-level': 'error',
  };
  const output = openSync(join(directory, `e${index}.log`), 'a');
  const words = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(program, words, { stdio: ['ignore', output, output] });
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Asks each member, over etcd's own JSON gateway. */
async function leaderOf(clients: readonly string[]): Promise<string> {
  const untilMs = Date.now() + readyWithinMs;
  while (Date.now() < untilMs) {
    for (const client of clients) {
      const status = await statusOf(client);
      if (status !== undefined && status.leader === status.header.member_id) return client;
    }
    await delay(100);
  }
  throw new Error(`etcd has no leader after ${readyWithinMs} ms`);
}

async function statusOf(client: string): Promise<MemberStatus | undefined> {
  try {
    const signal = AbortSignal.timeout(2_000);
    const url = `http://${client}/v3/maintenance/status`;
    const response = await fetch(url, { method: 'POST', body: '{}', signal });
    return response.ok ? ((await response.json()) as MemberStatus) : undefined;
  } catch {
    return undefined;
  }
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
