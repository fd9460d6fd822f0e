import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExampleNode } from './nodes.ts';
import { isPortTaken, nodes, runningNodePids } from './nodes.ts';

// Starts the three nodes in the foreground. Ctrl-C stops all of them gracefully, a second one at
// once; one node's death leaves the others running.

const readyTimeoutMs = 30_000;

interface Status {
  readonly leader: { readonly id: number } | null;
}

const running = new Map<number, ChildProcess>();
let stopping = false;

await refuseIfTaken();
for (const node of nodes) start(node);
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
await reportLeader();

async function refuseIfTaken(): Promise<void> {
  const taken: number[] = [];
  for (const { port, metricsPort } of nodes) {
    for (const candidate of [port, metricsPort]) {
      if (await isPortTaken(candidate)) taken.push(candidate);
    }
  }
  if (taken.length === 0) return;
  const pids = runningNodePids(process.cwd());
  const who = pids.length === 0 ? 'another program' : `nodes of this example, pids ${pids.join(' ')}`;
  process.stderr.write(`start-cluster: ports ${taken.join(', ')} are taken by ${who}\n`);
  process.exit(2);
}

function start({ id, port, metricsPort }: ExampleNode): void {
  const child = spawn(process.execPath, ['target/release/demo', `CONFIG_PATH=config/n${id}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, METRICS_PORT: String(metricsPort), LOG_DIR: './logs' },
    // A Ctrl-C of the terminal must reach this process alone, which then stops the nodes.
    detached: true,
  });
  running.set(id, child);
  print(`node ${id}: 0.0.0.0:${port}, metrics ${metricsPort}, log logs/${id}/d.log, pid ${child.pid}`);
  child.once('exit', (code, signal) => {
    running.delete(id);
    if (!stopping) print(`node ${id} ended (${signal ?? `exit code ${code}`}); the others go on`);
    if (running.size === 0) process.exit(stopping ? 0 : 1);
  });
}

function stop(): void {
  for (const child of running.values()) child.kill(stopping ? 'SIGKILL' : 'SIGTERM');
  if (!stopping) print('stopping all nodes, Ctrl-C again to stop at once');
  stopping = true;
}

async function reportLeader(): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline && !stopping) {
    const leader = await findLeader();
    if (leader !== undefined) {
      print(
        `cluster ready, leader ${leader}, try: curl -X POST http://localhost:9081/put ` +
          `-H "Content-Type: application/json" -d '{"key": "test-key", "value": "test-value"}'`,
      );
      return;
    }
    await delay(100);
  }
  if (!stopping) print('no leader yet: see logs/*/d.log');
}

/** The leader that all running nodes name, once they agree. */
async function findLeader(): Promise<number | undefined> {
  const named = await Promise.all(nodes.map(({ port }) => leaderOf(port)));
  const [first] = named;
  return named.every((leader) => leader === first) ? first : undefined;
}

async function leaderOf(port: number): Promise<number | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/status`);
    const status = (await response.json()) as Status;
    return status.leader?.id;
  } catch {
    // Not listening yet: asked again.
    return undefined;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
