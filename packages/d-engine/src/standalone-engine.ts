import { readFileSync } from 'node:fs';
import type { Address, ClientApi, LeaderHint, NodeStatus } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import { Node, splitAddress } from '@d-engine/node';
import type { ConfigSource, NodeConfig } from './config/index.ts';
import { loadConfig } from './config/index.ts';
import { nodeSettings } from './engine-settings.ts';
import type { RealEnv } from './env/index.ts';
import { createRealEnv, FileLogger, MetricsRegistry } from './env/index.ts';
import type { HttpApi } from './http/index.ts';
import { createHttpApi } from './http/index.ts';
import { networkOptions } from './network-settings.ts';
import { RefusalLog } from './refusal-log.ts';
import { NodeTls } from './tls/node-tls.ts';

/** Where the configuration comes from: a TOML file, or defaults with the data in a directory. */
export type RunSource =
  | { readonly configPath: string; readonly dataDir?: undefined }
  | { readonly dataDir: string; readonly configPath?: undefined };

export interface RunOptions {
  /** Aborting it stops the node gracefully: a leader hands over first. */
  readonly signal?: AbortSignal;
  /** CONFIG_PATH, LOG_LEVEL, LOG_DIR, METRICS_PORT and RAFT__ keys; process.env when absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where log lines go besides the node's own file, each with its newline. */
  readonly echoLog?: (lines: string) => void;
  /** The node serves its port; a leader may not be known yet. */
  readonly onListening?: (engine: RunningEngine) => void;
}

/** A node that runs in this process. */
export interface RunningEngine {
  readonly nodeId: number;
  readonly address: Address;
  readonly metricsAddress: Address;
  readonly source: ConfigSource;
  readonly client: ClientApi;
  status(): NodeStatus;
  onLeaderChange(listener: (leader: LeaderHint | undefined) => void): () => void;
  /** Opens the log file anew, after somebody moved it away. */
  reopenLog(): void;
  /**
   * Takes certificates, key and authorities from their files, for connections from now on. What is
   * wrong with them is in the log, and those that it has then stay. Nothing without TLS.
   */
  reloadCertificates(): Promise<void>;
}

const httpGraceMs = 500;

/** A node as a process of its own: gRPC, HTTP/JSON and metrics on their ports. */
export const StandaloneEngine = {
  /**
   * Runs a node until `options.signal` aborts, then resolves; rejects when it cannot start
   * (ConfigError for everything that is wrong with the configuration) or dies of a fatal error.
   * Installs no signal handler and never exits the process.
   */
  async run(source: RunSource, options: RunOptions = {}): Promise<void> {
    const environment = options.environment ?? process.env;
    const loaded = loadConfig({ ...source, environment, readFile: readOptionalFile });
    const { config } = loaded;
    const logger = new FileLogger({
      path: config.log.file,
      level: config.log.level,
      echo: options.echoLog,
    });
    try {
      for (const warning of loaded.foldedWarnings) logger.warn(warning);
      const engine = await Engine.start(config, loaded.source, logger);
      options.onListening?.(engine);
      await engine.runUntil(options.signal);
    } finally {
      logger.close();
    }
  },
};

function readOptionalFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

class Engine implements RunningEngine {
  readonly source: ConfigSource;
  readonly metricsAddress: Address;
  readonly #node: Node;
  readonly #http: HttpApi;
  readonly #env: RealEnv;
  readonly #tls: NodeTls | undefined;
  readonly #logger: FileLogger;

  private constructor(parts: {
    source: ConfigSource;
    metricsAddress: Address;
    node: Node;
    http: HttpApi;
    env: RealEnv;
    tls: NodeTls | undefined;
    logger: FileLogger;
  }) {
    this.source = parts.source;
    this.metricsAddress = parts.metricsAddress;
    this.#node = parts.node;
    this.#http = parts.http;
    this.#env = parts.env;
    this.#tls = parts.tls;
    this.#logger = parts.logger;
  }

  static async start(
    config: NodeConfig,
    source: ConfigSource,
    logger: FileLogger,
  ): Promise<Engine> {
    const metrics = new MetricsRegistry();
    const refusals = new RefusalLog(logger, metrics);
    const tls = await NodeTls.open(config, { logger, metrics });
    const env = createRealEnv({ network: { ...networkOptions(config), tls: tls?.network } });
    let node: Node | undefined;
    let http: HttpApi | undefined;
    const settings = nodeSettings(config);
    try {
      // The HTTP API needs the node and the node's port needs the API: sockets come only later.
      node = await Node.start({
        env,
        settings,
        logger,
        metrics,
        listen: (address, service) =>
          env.network.listen(address, service, {
            http1: (socket) => (http === undefined ? socket.destroy() : http.handleSocket(socket)),
            onAcceptError: (error) => refusals.note(error),
          }),
      });
      const member = node;
      http = createHttpApi({
        client: member.client,
        node: member,
        settings: httpSettings(config),
        metrics,
        renderMetrics: () => {
          member.refreshMetrics();
          return metrics.render();
        },
        logger,
      });
      const { host } = splitAddress(config.cluster.listenAddress);
      const metricsAddress = await serveMetrics(http, host, config.metrics.port);
      // At every level: it says where to find the node, on a terminal that may show nothing else.
      logger.always('node started', {
        node: settings.nodeId,
        address: node.address,
        metrics: metricsAddress,
        data: settings.dataDirectory,
        log: config.log.file,
      });
      return new Engine({ source, metricsAddress, node, http, env, tls, logger });
    } catch (error) {
      tls?.close();
      await node?.stop();
      await http?.close(0);
      await env.close();
      throw error;
    }
  }

  get nodeId(): number {
    return this.#node.settings.nodeId;
  }

  get address(): Address {
    return this.#node.address;
  }

  get client(): ClientApi {
    return this.#node.client;
  }

  status(): NodeStatus {
    return this.#node.status();
  }

  onLeaderChange(listener: (leader: LeaderHint | undefined) => void): () => void {
    return this.#node.onLeaderChange(listener);
  }

  reopenLog(): void {
    this.#logger.reopen();
  }

  async reloadCertificates(): Promise<void> {
    await this.#tls?.reload();
  }

  async runUntil(signal: AbortSignal | undefined): Promise<void> {
    const stop = (): void => {
      this.#logger.info('stopping', { node: this.nodeId });
      // The outcome is that of `closed`, awaited below.
      void this.#node.stop().catch((error: unknown) => {
        this.#logger.error('stopping failed', { error: String(error) });
      });
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    const fatal = await this.#node.closed;
    signal?.removeEventListener('abort', stop);
    this.#tls?.close();
    await this.#http.close(httpGraceMs);
    await this.#env.close();
    this.#logger.info('node stopped', { node: this.nodeId });
    if (fatal !== undefined) throw fatal;
  }
}

/** The address, with the real port. */
async function serveMetrics(http: HttpApi, host: string, port: number): Promise<Address> {
  try {
    const listening = await http.listenMetrics(`${host}:${port}`);
    return `${host}:${listening.port}`;
  } catch (cause) {
    const message =
      `cannot serve metrics and health on ${host}:${port}: set METRICS_PORT to a free port ` +
      '(0 picks one), or stop the other process';
    throw new DEngineError('InvalidAddress', message, { cause });
  }
}

function httpSettings(config: NodeConfig): Parameters<typeof createHttpApi>[0]['settings'] {
  const { cluster, raft, http } = config;
  const addresses = cluster.members.map((member) => member.address);
  if (cluster.advertiseAddress !== undefined) addresses.push(cluster.advertiseAddress);
  const settings = nodeSettings(config);
  return {
    allowedHosts: [...addresses.map((address) => splitAddress(address).host), ...http.allowedHosts],
    bodyBytesMax: bodyBytesMax,
    serverDeadlineMs: raft.serverDeadlineMs,
    allowClientOverride: settings.allowConsistencyOverride,
    defaultConsistency: settings.defaultConsistency,
  };
}

/** Base64 makes a value a third longer: the largest one fits either way. */
const bodyBytesMax = 6 * 1024 * 1024;
