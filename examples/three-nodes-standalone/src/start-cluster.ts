import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExampleNode } from './nodes.ts';
import { nodes, takenPorts } from './nodes.ts';
import { commandOf, listenersOf } from './processes.ts';

// Starts the three nodes in the foreground and repeats what they log. Ctrl-C stops all of them
// gracefully, a second one at once; one node's death leaves the others running.

const readyTimeoutMs = 30_000;
const example =
  `curl -X POST http://localhost:9081/put -H "Content-Type: application/json" ` +
  `-d '{"key": "test-key", "value": "test-value"}'`;

interface Status {
  readonly leader: { readonly id: number } | null;
}

const running = new Map<number, ChildProcess>();
let stopping = false;
/** A node ended otherwise than by a request to stop, whoever made it. */
let anyFailed = false;

// The terminal may go away; the nodes have log files of their own.
process.stdout.on('error', () => undefined);
await refuseIfTaken();
for (const node of nodes) start(node);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
// However this process ends, it leaves no node behind.
process.on('exit', () => {
  for (const child of running.values()) child.kill('SIGTERM');
});
await reportLeader();

async function refuseIfTaken(): Promise<void> {
  const ports = await takenPorts();
  if (ports.length === 0) return;
  const listeners = listenersOf(ports);
  const lines = [...listeners].map(
    ([pid, taken]) => `  ports ${taken.join(', ')}: pid ${pid} (${commandOf(pid).join(' ')})`,
  );
  const known = [...listeners.values()].flat();
  const unknown = ports.filter((port) => !known.includes(port));
  if (unknown.length > 0) {
    lines.push(`  ports ${unknown.join(', ')}: a process that cannot be seen from here`);
  }
  process.stderr.write(
    `start-cluster: ports of the nodes are taken, stop who has them first:\n${lines.join('\n')}\n`,
  );
  process.exit(2);
}

function start({ id, port, metricsPort }: ExampleNode): void {
  const child = spawn(process.execPath, ['target/release/demo', `CONFIG_PATH=config/n${id}`], {
    // As `ps` shows a node that was started by hand.
    argv0: 'node',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, METRICS_PORT: String(metricsPort), LOG_DIR: './logs' },
    // A Ctrl-C of the terminal must reach this process alone, which then stops the nodes.
    detached: true,
  });
  running.set(id, child);
  const { pid } = child;
  print(`node ${id}: 0.0.0.0:${port}, metrics ${metricsPort}, log logs/${id}/d.log, pid ${pid}`);
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => print(`node ${id} | ${line}`));
  }
  // After its last output.
  child.once('close', (code, signal) => {
    running.delete(id);
    if (code !== 0) anyFailed = true;
    const others = running.size === 0 ? '' : '; the others go on';
    const end = signal ?? `exit code ${code}`;
    if (!stopping) print(`node ${id} ended (${end})${others}`);
    if (running.size > 0) return;
    print(stopping ? 'all nodes stopped' : 'no node runs any more');
    process.exit(anyFailed ? 1 : 0);
  });
}

function stop(): void {
  for (const child of running.values()) child.kill(stopping ? 'SIGKILL' : 'SIGTERM');
  if (!stopping) print('stopping all nodes, Ctrl-C again to stop at once');
  stopping = true;
}

async function reportLeader(): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline && !stopping) {
    const leader = await findLeader();
    if (leader !== undefined) {
      print(`cluster ready, leader ${leader}, try: ${example}`);
      return;
    }
    await delay(100);
  }
  if (!stopping) print('no leader yet: see logs/*/d.log');
}

/** The leader that all running nodes name, once they agree. */
async function findLeader(): Promise<number | undefined> {
  const asked = nodes.filter(({ id }) => running.has(id));
  const named = await Promise.all(asked.map(({ port }) => leaderOf(port)));
  const [first] = named;
  return named.every((leader) => leader === first) ? first : undefined;
}

async function leaderOf(port: number): Promise<number | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/status`, {
      signal: AbortSignal.timeout(1_000),
    });
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
