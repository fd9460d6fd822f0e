import type { Address, ClientApi, Disk, LeaderHint, Logger } from '@d-engine/base';
import { assert, describeError } from '@d-engine/base';
import type { ApplicationFactory, OpenStateMachine } from '@d-engine/storage';
import type { LoadedConfig } from '../config/index.ts';
import { EngineCore } from '../engine-core.ts';
import { FileLogger, MetricsRegistry } from '../env/index.ts';
import type { EngineHost, EngineState, LeaderInfo, Membership } from './engine-host.ts';
import { LatestValue } from './latest-value.ts';
import type { HostMetrics } from './start-options.ts';

export interface LocalHostOptions {
  readonly loaded: LoadedConfig;
  readonly logger: Logger | undefined;
  readonly metrics: HostMetrics | undefined;
  readonly application?: ApplicationFactory | undefined;
  readonly openStateMachine?: OpenStateMachine | undefined;
  readonly disk?: Disk | undefined;
  /** Opens the port of a member that is alone, too. */
  readonly opensPort?: boolean;
}

/** A member on the event loop of whoever calls. */
export class LocalHost implements EngineHost {
  readonly state: LatestValue<EngineState>;
  readonly closed: Promise<Error | undefined>;
  readonly #core: EngineCore;
  readonly #logger: Logger;
  readonly #render: () => string;

  private constructor(
    core: EngineCore,
    logger: Logger,
    ownLogger: FileLogger | undefined,
    render: () => string,
  ) {
    this.#core = core;
    this.#logger = logger;
    this.#render = render;
    const { node } = core;
    this.state = new LatestValue({
      role: node.status().role,
      leader: this.#leader(node.leaderHint(undefined)),
      membership: this.#membership(),
    });
    node.onLeaderChange((hint) => {
      const leader = this.#leader(hint);
      this.#change({ role: node.status().role, leader });
    });
    node.onMembershipChange(() => this.#change({ membership: this.#membership() }));
    this.closed = this.#closed(ownLogger);
  }

  static async start(options: LocalHostOptions): Promise<LocalHost> {
    const { config, foldedWarnings, isAlone } = options.loaded;
    const { file: path, level } = config.log;
    const ownLogger = options.logger === undefined ? new FileLogger({ path, level }) : undefined;
    const logger: Logger | undefined = options.logger ?? ownLogger;
    assert(logger !== undefined, 'a logger was given, or made');
    try {
      for (const warning of foldedWarnings) logger.warn(warning);
      const metrics = options.metrics ?? new MetricsRegistry();
      const render = (): string => metrics.render?.() ?? '';
      const core = await EngineCore.start({
        config,
        logger,
        metrics,
        renderMetrics: render,
        ports: isAlone && options.opensPort !== true ? 'none' : 'client',
        application: options.application,
        openStateMachine: options.openStateMachine,
        disk: options.disk,
      });
      logger.info('engine started', { node: core.nodeId, address: core.address ?? 'no port' });
      return new LocalHost(core, logger, ownLogger, render);
    } catch (error) {
      ownLogger?.close();
      throw error;
    }
  }

  get nodeId(): number {
    return this.#core.nodeId;
  }

  get address(): Address | undefined {
    return this.#core.address;
  }

  get client(): ClientApi {
    return this.#core.client;
  }

  async whyNotReady(): Promise<string> {
    const checks = Object.values(this.#core.node.health().ready);
    const reasons = checks.flatMap((check) => (check.ok ? [] : [check.reason]));
    return reasons.join('; ');
  }

  async renderMetrics(): Promise<string> {
    this.#core.node.refreshMetrics();
    return this.#render();
  }

  noteFailedListener(error: unknown): void {
    this.#logger.error('a listener of the host failed', { error: describeError(error) });
  }

  async stop(): Promise<void> {
    await this.#core.stop().catch((error: unknown) => {
      this.#logger.error('stopping failed', { error: describeError(error) });
    });
    await this.closed;
  }

  async #closed(ownLogger: FileLogger | undefined): Promise<Error | undefined> {
    const reason = await this.#core.closed;
    this.#change({ role: 'follower', leader: undefined });
    this.state.end();
    ownLogger?.close();
    return reason;
  }

  #change(change: Partial<EngineState>): void {
    this.state.set({ ...this.state.current, ...change });
  }

  #leader(hint: LeaderHint | undefined): LeaderInfo | undefined {
    return hint && { ...hint, term: this.#core.node.term };
  }

  #membership(): Membership {
    const { members } = this.#core.node.status();
    return {
      members: members.map(({ id, address, role, status }) => ({ id, address, role, status })),
    };
  }
}
