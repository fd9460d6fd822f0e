import type { ClientApi } from '@d-engine/base';
import { assert, silentLogger, silentMetrics } from '@d-engine/base';
import { Node } from '@d-engine/node';
import type { ApplicationFactory } from '@d-engine/storage';
import type { VirtualHost } from '@d-engine/virtual-env';
import { loadConfig } from '../config/index.ts';
import type { ConfigSetting, EngineConfig } from '../embedded/start-options.ts';
import { nodeSettings } from '../engine-settings.ts';

export interface TestClusterOptions {
  /** How many members; 3 when absent. */
  readonly nodes?: number;
  /** The same seed and the same calls make the same run. */
  readonly seed?: number | string;
  /** Tables and keys as a file has them, for every member; who they are is decided here. */
  readonly config?: EngineConfig;
  /** Instead of the key-value store. */
  readonly stateMachine?: ApplicationFactory;
}

const port = 9081;

/** One member of a cluster in memory: a machine whose process may be killed and started again. */
export class TestMember {
  readonly id: number;
  readonly #host: VirtualHost;
  readonly #ids: readonly number[];
  readonly #options: TestClusterOptions;
  #node: Node | undefined;

  constructor(
    id: number,
    host: VirtualHost,
    cluster: { ids: readonly number[]; options: TestClusterOptions },
  ) {
    this.id = id;
    this.#host = host;
    this.#ids = cluster.ids;
    this.#options = cluster.options;
  }

  get isRunning(): boolean {
    return this.#node !== undefined;
  }

  get isLeader(): boolean {
    return this.#node?.role === 'leader';
  }

  get term(): number {
    return this.#node?.term ?? 0;
  }

  /** How many members count in its quorums: a voter does once the cluster knows its directory. */
  get boundCount(): number {
    if (this.#node === undefined) return 0;
    const { bindings } = this.#node.raft;
    const { commitIndex } = this.#node;
    return bindings.filter(({ index }) => index <= commitIndex).length;
  }

  get client(): ClientApi {
    assert(this.#node !== undefined, () => `node ${this.id} is down: restart it first`);
    return this.#node.client;
  }

  async start(): Promise<void> {
    const { env } = this.#host;
    this.#node = await Node.start({
      env,
      settings: nodeSettings(this.#config()),
      logger: silentLogger,
      metrics: silentMetrics,
      application: this.#options.stateMachine,
    });
  }

  async restart(): Promise<void> {
    this.#host.restart();
    await this.start();
  }

  /** As SIGKILL does: nothing is handed over, and the disk stays. */
  kill(): void {
    assert(this.#node !== undefined, () => `node ${this.id} is down already`);
    this.#node = undefined;
    this.#host.crash();
  }

  async stop(): Promise<void> {
    await this.#node?.stop();
    this.#node = undefined;
  }

  #config(): ReturnType<typeof loadConfig>['config'] {
    const { config = {} } = this.#options;
    const given = config['cluster'];
    const cluster = isTable(given) ? given : {};
    const own = {
      node_id: this.id,
      listen_address: `${hostOf(this.id)}:${port}`,
      initial_cluster: this.#ids.map((id) => ({
        id,
        address: `${hostOf(id)}:${port}`,
        role: 1,
        status: 2,
      })),
      db_root_dir: '/data',
    };
    const settings = { ...config, cluster: { ...cluster, ...own } };
    return loadConfig({ settings, environment: {}, readFile: () => undefined }).config;
  }
}

export function hostOf(id: number): string {
  return `n${id}`;
}

function isTable(setting: ConfigSetting): setting is EngineConfig {
  return typeof setting === 'object' && !Array.isArray(setting);
}
