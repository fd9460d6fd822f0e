import type { Address, ClientApi, Disk, Listener, Logger, Metrics } from '@d-engine/base';
import { DEngineError, describeError } from '@d-engine/base';
import { Node, splitAddress } from '@d-engine/node';
import type { ApplicationFactory, OpenStateMachine } from '@d-engine/storage';
import type { NodeConfig } from './config/index.ts';
import { nodeSettings } from './engine-settings.ts';
import type { RealEnv } from './env/index.ts';
import { createRealEnv } from './env/index.ts';
import type { HttpApi } from './http/index.ts';
import { createHttpApi } from './http/index.ts';
import { networkOptions } from './network-settings.ts';
import { RefusalLog } from './refusal-log.ts';
import { StallWatch } from './stall-watch.ts';
import { NodeTls } from './tls/node-tls.ts';

export interface EngineCoreOptions {
  readonly config: NodeConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The text of `/metrics`. */
  readonly renderMetrics: () => string;
  /** `none`: neither peers nor clients can come; only calls of this process are served. */
  readonly ports: 'none' | 'client' | 'clientAndMetrics';
  /** Instead of the key-value store. */
  readonly application?: ApplicationFactory | undefined;
  /** Where the key-value store keeps its state, instead of in memory. */
  readonly openStateMachine?: OpenStateMachine | undefined;
  /** Instead of this machine's files. */
  readonly disk?: Disk | undefined;
}

const httpGraceMs = 500;

/**
 * One member on this machine: what every way to run one has in common. The logger is the caller's,
 * who closes it after `closed` has settled.
 */
export class EngineCore {
  readonly node: Node;
  /** Undefined without a port. */
  readonly address: Address | undefined;
  readonly metricsAddress: Address | undefined;
  /**
   * Settles when everything is closed: without a value after stop(), with the fatal error else.
   */
  readonly closed: Promise<Error | undefined>;
  readonly #tls: NodeTls | undefined;

  private constructor(parts: CoreParts, metricsAddress: Address | undefined, logger: Logger) {
    this.node = parts.node;
    this.address = parts.hasPort ? parts.node.address : undefined;
    this.metricsAddress = metricsAddress;
    this.#tls = parts.tls;
    this.closed = closeAfter(parts, logger);
  }

  /** Rejects with nothing left open: ConfigError, DiskError or DEngineError. */
  static async start(options: EngineCoreOptions): Promise<EngineCore> {
    const { config, logger, metrics } = options;
    const tls = await NodeTls.open(config, { logger, metrics });
    const env = createRealEnv({ network: { ...networkOptions(config), tls: tls?.network } });
    let parts: CoreParts | undefined;
    try {
      parts = await startParts(options, tls, env);
      const metricsAddress =
        options.ports === 'clientAndMetrics' ? await serveMetrics(parts.http, config) : undefined;
      return new EngineCore(parts, metricsAddress, logger);
    } catch (error) {
      tls?.close();
      parts?.stalls.stop();
      await parts?.node.stop();
      await parts?.http.close(0);
      await env.close();
      throw error;
    }
  }

  get nodeId(): number {
    return this.node.settings.nodeId;
  }

  get client(): ClientApi {
    return this.node.client;
  }

  /** Nothing without TLS. */
  async reloadCertificates(): Promise<void> {
    await this.#tls?.reload();
  }

  /** Hands leadership over, answers what waits, closes everything. Idempotent. */
  async stop(): Promise<void> {
    await this.node.stop();
    await this.closed;
  }
}

interface CoreParts {
  readonly node: Node;
  readonly http: HttpApi;
  readonly env: RealEnv;
  readonly tls: NodeTls | undefined;
  readonly stalls: StallWatch;
  readonly hasPort: boolean;
}

async function startParts(
  options: EngineCoreOptions,
  tls: NodeTls | undefined,
  env: RealEnv,
): Promise<CoreParts> {
  const { config, logger, metrics } = options;
  const settings = nodeSettings(config);
  const hasPort = options.ports !== 'none';
  const refusals = new RefusalLog(logger, metrics);
  // The HTTP API needs the node and the node's port needs the API: sockets come only later.
  let http: HttpApi | undefined;
  const node = await Node.start({
    env: options.disk === undefined ? env : { ...env, disk: options.disk },
    settings,
    logger,
    metrics,
    application: options.application,
    openStateMachine: options.openStateMachine,
    listen: async (address, service) => {
      if (!hasPort) return noListener(address);
      return env.network.listen(address, service, {
        http1: (socket) => (http === undefined ? socket.destroy() : http.handleSocket(socket)),
        onAcceptError: (error) => refusals.note(error),
      });
    },
  });
  http = createHttpApi({
    client: node.client,
    node,
    settings: httpSettings(config),
    metrics,
    renderMetrics: () => {
      node.refreshMetrics();
      return options.renderMetrics();
    },
    logger,
  });
  const stalls = new StallWatch(settings.electionTimeoutMinMs / 2, (blockedMs) =>
    node.noteStall(blockedMs),
  );
  return { node, http, env, tls, stalls, hasPort };
}

/** Never rejects: whoever asks why it ended wants the first reason. */
async function closeAfter(parts: CoreParts, logger: Logger): Promise<Error | undefined> {
  const fatal = await parts.node.closed;
  parts.stalls.stop();
  parts.tls?.close();
  try {
    await parts.http.close(httpGraceMs);
    await parts.env.close();
  } catch (error) {
    logger.error('closing failed', { error: describeError(error) });
    return fatal ?? (error as Error);
  }
  return fatal;
}

/** Stands for the port of a member that has none. */
function noListener(address: Address): Listener {
  return { address, close: async () => undefined };
}

/** The address, with the real port. */
async function serveMetrics(http: HttpApi, config: NodeConfig): Promise<Address> {
  const { host } = splitAddress(config.cluster.listenAddress);
  const { port } = config.metrics;
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
