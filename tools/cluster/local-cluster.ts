import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from './free-ports.ts';
import type { HttpTls } from './http-call.ts';
import { httpCall } from './http-call.ts';
import type { Exit } from './node-process.ts';
import { NodeProcess } from './node-process.ts';

export interface ClusterOptions {
  readonly root: string;
  /** Default 3. */
  readonly size?: number;
  /** TOML that follows the cluster section of every node. */
  readonly extraConfig?: string;
  /** Under TLS: how {@link LocalCluster.status} asks. */
  readonly tls?: HttpTls;
  readonly logLevel?: string;
  readonly nodeArguments?: readonly string[];
  /** Default 127.0.0.1 for all. */
  readonly hostOf?: (id: number) => string;
  /** A command that runs a node on its host. */
  readonly wrapperOf?: (id: number) => readonly string[];
}

/** What `GET /status` says, as far as tests ask. */
export interface StatusBody {
  readonly node_id: number;
  readonly cluster_id: string | null;
  readonly role: string;
  readonly condition: string;
  readonly condition_reason: string | null;
  readonly term: number;
  readonly leader: { readonly id: number; readonly address: string } | null;
  readonly commit_index: number;
  readonly applied_index: number;
  readonly members: readonly {
    readonly id: number;
    readonly address: string;
    readonly role: string;
    readonly match_index: number | null;
  }[];
}

/** Real nodes on free loopback ports in a temporary folder, which {@link dispose} removes. */
export class LocalCluster {
  readonly directory: string;
  readonly ids: readonly number[];
  readonly #options: ClusterOptions;
  readonly #ports: readonly number[];
  readonly #metricsPorts: readonly number[];
  readonly #processes = new Map<number, NodeProcess>();

  static async create(options: ClusterOptions): Promise<LocalCluster> {
    const size = options.size ?? 3;
    const ports = await freePorts(size * 2);
    return new LocalCluster(options, ports.slice(0, size), ports.slice(size));
  }

  private constructor(options: ClusterOptions, ports: number[], metricsPorts: number[]) {
    this.#options = options;
    this.#ports = ports;
    this.#metricsPorts = metricsPorts;
    this.ids = ports.map((_, position) => position + 1);
    this.directory = mkdtempSync(join(tmpdir(), 'd-engine-cluster-'));
    mkdirSync(join(this.directory, 'config'));
    for (const id of this.ids) this.#writeConfig(id);
  }

  #writeConfig(id: number): void {
    const members = this.ids.map(
      (member) =>
        `  { id = ${member}, address = "${this.address(member)}", role = 1, status = 2 },`,
    );
    const text = [
      '[cluster]',
      `node_id = ${id}`,
      `listen_address = "${this.address(id)}"`,
      `initial_cluster = [\n${members.join('\n')}\n]`,
      this.#options.extraConfig ?? '',
    ];
    writeFileSync(join(this.directory, `config/n${id}.toml`), `${text.join('\n')}\n`);
  }

  address(id: number): string {
    return `${this.#options.hostOf?.(id) ?? '127.0.0.1'}:${this.#ports[id - 1]}`;
  }

  get endpoints(): string[] {
    return this.ids.map((id) => this.address(id));
  }

  metricsAddress(id: number): string {
    return `${this.#options.hostOf?.(id) ?? '127.0.0.1'}:${this.#metricsPorts[id - 1]}`;
  }

  dataDirectory(id: number): string {
    return join(this.directory, `db/${id}`);
  }

  logFile(id: number): string {
    return join(this.directory, `logs/${id}/d.log`);
  }

  process(id: number): NodeProcess {
    const process = this.#processes.get(id);
    if (process === undefined) throw new Error(`node ${id} was never started`);
    return process;
  }

  start(id: number, environment: Readonly<Record<string, string>> = {}): NodeProcess {
    const process = new NodeProcess({
      root: this.#options.root,
      configPath: `config/n${id}`,
      cwd: this.directory,
      nodeArguments: this.#options.nodeArguments,
      wrapper: this.#options.wrapperOf?.(id),
      environment: {
        METRICS_PORT: String(this.#metricsPorts[id - 1]),
        LOG_LEVEL: this.#options.logLevel ?? 'info',
        LOG_DIR: './logs',
        ...environment,
      },
    });
    this.#processes.set(id, process);
    return process;
  }

  startAll(): void {
    for (const id of this.ids) this.start(id);
  }

  runningIds(): number[] {
    return this.ids.filter((id) => this.#processes.get(id)?.isRunning === true);
  }

  async kill(id: number): Promise<Exit> {
    return this.process(id).end('SIGKILL');
  }

  async killAll(): Promise<void> {
    await Promise.all(this.runningIds().map((id) => this.kill(id)));
  }

  async stop(id: number): Promise<Exit> {
    return this.process(id).end('SIGTERM');
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.runningIds().map((id) => this.stop(id)));
  }

  /** Its log, from its first start on. */
  readLog(id: number): string {
    return readFileSync(this.logFile(id), 'utf8');
  }

  /** Removes the data of a node that does not run: its next start is a first one. */
  wipe(id: number): void {
    rmSync(this.dataDirectory(id), { recursive: true, force: true });
  }

  /** As {@link wipe}, but what it returns puts the data back, in place of what is there then. */
  moveDataAway(id: number): () => void {
    const away = `${this.dataDirectory(id)}.away`;
    renameSync(this.dataDirectory(id), away);
    return () => {
      this.wipe(id);
      renameSync(away, this.dataDirectory(id));
    };
  }

  async status(id: number): Promise<StatusBody | undefined> {
    try {
      const options = { timeoutMs: 2_000, tls: this.#options.tls };
      const answer = await httpCall(this.address(id), 'GET', '/status', options);
      return JSON.parse(answer.text) as StatusBody;
    } catch {
      // Not listening (any more): asked again by whoever waits.
      return undefined;
    }
  }

  /** Waits until a running node leads in a term above `afterTerm` and says so itself. */
  async waitForLeader(
    options: { afterTerm?: number; timeoutMs?: number } = {},
  ): Promise<StatusBody> {
    const { afterTerm = 0, timeoutMs = 20_000 } = options;
    return this.waitFor(`a leader after term ${afterTerm}`, timeoutMs, async () => {
      const statuses = await Promise.all(this.runningIds().map((id) => this.status(id)));
      return statuses.find(
        (status) =>
          status?.role === 'leader' &&
          status.term > afterTerm &&
          status.leader?.id === status.node_id,
      );
    });
  }

  /** Waits until the running nodes agree on a leader and have applied what it has committed. */
  async waitUntilSettled(options: { timeoutMs?: number } = {}): Promise<StatusBody> {
    return this.waitFor('agreement on a leader', options.timeoutMs ?? 20_000, async () => {
      const statuses = await Promise.all(this.runningIds().map((id) => this.status(id)));
      const leader = statuses.find((status) => status?.role === 'leader');
      const agree = statuses.every(
        (status) =>
          leader !== undefined &&
          status?.leader?.id === leader.node_id &&
          status.term === leader.term &&
          status.cluster_id !== null &&
          status.applied_index >= leader.commit_index,
      );
      return agree ? leader : undefined;
    });
  }

  async waitFor<T>(
    what: string,
    timeoutMs: number,
    probe: () => Promise<T | undefined> | T | undefined,
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await probe();
      if (found !== undefined) return found;
      if (Date.now() > deadline) {
        throw new Error(`${what}: not within ${timeoutMs} ms\n${this.describe()}`);
      }
      await delay(20);
    }
  }

  /** The last output of every node, for a failure's message. */
  describe(): string {
    const parts = [...this.#processes].map(
      ([id, process]) => `--- node ${id} (pid ${process.pid})\n${process.output.slice(-2_000)}`,
    );
    return parts.join('\n');
  }

  async dispose(): Promise<void> {
    await this.killAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
