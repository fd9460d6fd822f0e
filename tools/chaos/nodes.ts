import { setTimeout as delay } from 'node:timers/promises';
import type { LocalCluster } from '../cluster/local-cluster.ts';
import type { Exit, NodeProcess } from '../cluster/node-process.ts';

/** How chaos ends a process: at once, or as operators do it. */
export type Order = 'SIGKILL' | 'SIGTERM';

const lastLines = 10;
/** Of a graceful stop: longer than it hands its leadership over, flushes and closes. */
const stopLimitMs = 30_000;

/** What is wrong with the end of a process; undefined: chaos ordered it. */
export function describeEnd(order: Order | undefined, exit: Exit): string | undefined {
  const ended = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
  if (order === undefined) return `ended with ${ended}, and nobody had ended it`;
  // A handler makes exit code 0 of SIGTERM; before it is there, the signal ends the start.
  if (exit.signal === order || (order === 'SIGTERM' && exit.code === 0)) return undefined;
  return `was sent ${order} and ended with ${ended}`;
}

/** Starts and ends the nodes of a run. An end that it did not order violates the run. */
export class Nodes {
  /** Of the processes that ended as they must not, with their last log lines. */
  readonly violations: string[] = [];
  readonly #cluster: LocalCluster;
  readonly #say: (line: string) => void;
  /** How often each node was started. */
  readonly #starts = new Map<number, number>();
  /** What a process was last sent, noted before it is sent. */
  readonly #orders = new Map<NodeProcess, Order>();

  constructor(cluster: LocalCluster, say: (line: string) => void) {
    this.#cluster = cluster;
    this.#say = say;
  }

  get ids(): readonly number[] {
    return this.#cluster.ids;
  }

  /** The name of the process that runs now. */
  nameOf(id: number): string {
    return `node ${id} start ${this.#starts.get(id) ?? 0}`;
  }

  startAll(): void {
    for (const id of this.ids) this.start(id);
  }

  /** Does nothing when it runs. */
  start(id: number): void {
    if (this.#cluster.runningIds().includes(id)) return;
    this.#starts.set(id, (this.#starts.get(id) ?? 0) + 1);
    const process = this.#cluster.start(id);
    const name = this.nameOf(id);
    this.#say(`${name}: pid ${process.pid}`);
    this.#watch(name, process).catch((error: unknown) => this.violations.push(String(error)));
  }

  async kill(id: number): Promise<void> {
    await this.#end(id, 'SIGKILL');
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#cluster.runningIds().map((id) => this.kill(id)));
  }

  async stop(id: number): Promise<void> {
    const process = this.#cluster.process(id);
    const patience = new AbortController();
    const late = delay(stopLimitMs, 'late', { signal: patience.signal }).catch(() => 'in time');
    const first = await Promise.race([this.#end(id, 'SIGTERM'), late]);
    patience.abort();
    if (first !== 'late') return;
    const problem = `was sent SIGTERM and still runs after ${stopLimitMs} ms`;
    this.#violated(this.nameOf(id), problem, process);
    await this.kill(id);
  }

  pause(id: number): void {
    this.#cluster.process(id).signal('SIGSTOP');
  }

  resume(id: number): void {
    this.#cluster.process(id).signal('SIGCONT');
  }

  /** Any that takes itself for the leader. */
  async leader(): Promise<number | undefined> {
    const askIfLeader = async (id: number): Promise<number> => {
      const status = await this.#cluster.status(id);
      if (status?.role === 'leader') return id;
      throw new Error('not a leader');
    };
    // The first one to say so: a node that is paused answers nobody for a while.
    const asked = this.#cluster.runningIds().map(askIfLeader);
    return Promise.any(asked).catch(() => undefined);
  }

  async #end(id: number, order: Order): Promise<void> {
    const process = this.#cluster.process(id);
    // What has ended before cannot have followed an order, though its exit may be heard later.
    if (process.isRunning) this.#orders.set(process, order);
    await process.end(order);
  }

  async #watch(name: string, process: NodeProcess): Promise<void> {
    const exit = await process.exited;
    const problem = describeEnd(this.#orders.get(process), exit);
    if (problem !== undefined) this.#violated(name, problem, process);
  }

  #violated(name: string, problem: string, process: NodeProcess): void {
    const lines = process.output.trimEnd().split('\n').slice(-lastLines);
    this.violations.push([`no node ends by itself: ${name} ${problem}`, ...lines].join('\n    '));
  }
}
