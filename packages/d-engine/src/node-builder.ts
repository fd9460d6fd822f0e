import type { Disk, Logger } from '@d-engine/base';
import { assert } from '@d-engine/base';
import type { ApplicationFactory, OpenStateMachine } from '@d-engine/storage';
import type { LoadedConfig } from './config/index.ts';
import type { WaitReadyOptions } from './embedded/embedded-engine.ts';
import { EmbeddedEngine } from './embedded/embedded-engine.ts';
import { LocalHost } from './embedded/local-host.ts';
import type { EmbeddedOptions, EmbeddedSource, HostMetrics } from './embedded/start-options.ts';
import { loadEmbedded } from './embedded/start-options.ts';

/** What a builder begins with: where the configuration comes from. */
export type NodeBuilderSettings = EmbeddedSource & Pick<EmbeddedOptions, 'environment'>;

/**
 * Puts a member together, step by step:
 *
 *     const node = new NodeBuilder({ configPath: 'config/n1' }, signal).build();
 *     await node.startRpcServer();
 *     await node.ready();
 *     await node.run();
 */
export class NodeBuilder {
  readonly #settings: NodeBuilderSettings;
  readonly #signal: AbortSignal;
  #logger: Logger | undefined;
  #metrics: HostMetrics | undefined;
  #application: ApplicationFactory | undefined;
  #openStateMachine: OpenStateMachine | undefined;
  #disk: Disk | undefined;

  /** Aborting the signal stops the node gracefully. */
  constructor(settings: NodeBuilderSettings, signal: AbortSignal) {
    this.#settings = settings;
    this.#signal = signal;
  }

  /** A state machine of one's own instead of the key-value store; the same on every member. */
  stateMachine(create: ApplicationFactory): this {
    this.#application = create;
    return this;
  }

  /** Where the key-value store keeps its state, instead of in memory: a package for it. */
  stateMachineOnDisk(open: OpenStateMachine): this {
    this.#openStateMachine = open;
    return this;
  }

  /** Where the node keeps its files, instead of the machine's disk. */
  storage(disk: Disk): this {
    this.#disk = disk;
    return this;
  }

  logger(logger: Logger): this {
    this.#logger = logger;
    return this;
  }

  metrics(metrics: HostMetrics): this {
    this.#metrics = metrics;
    return this;
  }

  /** Throws ConfigError with all that is wrong. */
  build(): BuiltNode {
    return new BuiltNode({
      loaded: loadEmbedded(this.#settings),
      signal: this.#signal,
      logger: this.#logger,
      metrics: this.#metrics,
      application: this.#application,
      openStateMachine: this.#openStateMachine,
      disk: this.#disk,
    });
  }
}

interface NodeParts {
  readonly loaded: LoadedConfig;
  readonly signal: AbortSignal;
  readonly logger: Logger | undefined;
  readonly metrics: HostMetrics | undefined;
  readonly application: ApplicationFactory | undefined;
  readonly openStateMachine: OpenStateMachine | undefined;
  readonly disk: Disk | undefined;
}

/** A node that was put together: it starts, gets ready, runs, and stops. */
export class BuiltNode {
  readonly #parts: NodeParts;
  #engine: EmbeddedEngine | undefined;

  /** For the package itself; see {@link NodeBuilder.build}. */
  constructor(parts: NodeParts) {
    this.#parts = parts;
  }

  /** The running engine. Requires: the server was started. */
  get engine(): EmbeddedEngine {
    assert(this.#engine !== undefined, 'the node was not started: call startRpcServer() first');
    return this.#engine;
  }

  /** Opens data and port; clients and peers are served from now on. */
  async startRpcServer(): Promise<this> {
    assert(this.#engine === undefined, 'the node was started already');
    const host = await LocalHost.start({ ...this.#parts, opensPort: true });
    this.#engine = new EmbeddedEngine(host, this.#parts.application !== undefined);
    return this;
  }

  /** Resolves once a leader is known; see {@link EmbeddedEngine.waitReady}. */
  async ready(options?: WaitReadyOptions): Promise<this> {
    await this.engine.waitReady(options);
    return this;
  }

  /** Resolves when the node has stopped after the signal; rejects with what was fatal to it. */
  async run(): Promise<void> {
    const { signal } = this.#parts;
    const { engine } = this;
    const stop = (): void => {
      // How it went is what `closed` tells, awaited below.
      engine.stop().catch(() => undefined);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const reason = await engine.closed;
    signal.removeEventListener('abort', stop);
    if (reason !== undefined) throw reason;
  }

  /** Stops without the signal. Idempotent. */
  async gracefulShutdown(): Promise<void> {
    await this.#engine?.stop();
  }
}
