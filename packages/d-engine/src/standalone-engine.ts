import type { Address, ClientApi, LeaderHint, NodeStatus } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { ConfigSource, NodeConfig } from './config/index.ts';
import { loadConfig } from './config/index.ts';
import { EngineCore } from './engine-core.ts';
import { FileLogger, MetricsRegistry } from './env/index.ts';
import { readOptionalFile } from './read-optional-file.ts';

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
      const metrics = new MetricsRegistry();
      const core = await EngineCore.start({
        config,
        logger,
        metrics,
        renderMetrics: () => metrics.render(),
        ports: 'clientAndMetrics',
      });
      announce(core, config, logger);
      options.onListening?.(runningEngine(core, loaded.source, logger));
      await runUntil(core, options.signal, logger);
    } finally {
      logger.close();
    }
  },
};

/** At every level: it says where to find the node, on a terminal that may show nothing else. */
function announce(core: EngineCore, config: NodeConfig, logger: FileLogger): void {
  logger.always('node started', {
    node: core.nodeId,
    address: core.address,
    metrics: core.metricsAddress,
    data: config.cluster.dbRootDir,
    log: config.log.file,
  });
}

function runningEngine(core: EngineCore, source: ConfigSource, logger: FileLogger): RunningEngine {
  const { node, nodeId, client, address, metricsAddress } = core;
  assert(address !== undefined && metricsAddress !== undefined, 'a process has its ports');
  return {
    nodeId,
    address,
    metricsAddress,
    source,
    client,
    status: () => node.status(),
    onLeaderChange: (listener) => node.onLeaderChange(listener),
    reopenLog: () => logger.reopen(),
    reloadCertificates: () => core.reloadCertificates(),
  };
}

async function runUntil(
  core: EngineCore,
  signal: AbortSignal | undefined,
  logger: FileLogger,
): Promise<void> {
  const node = core.nodeId;
  const stop = (): void => {
    logger.info('stopping', { node });
    // The outcome is that of `closed`, awaited below.
    void core.stop().catch((error: unknown) => {
      logger.error('stopping failed', { error: String(error) });
    });
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop, { once: true });
  const fatal = await core.closed;
  signal?.removeEventListener('abort', stop);
  logger.info('node stopped', { node });
  if (fatal !== undefined) throw fatal;
}
