import type { Address, ClientApi, ReadOptions, RequestOptions } from '@d-engine/base';
import { DEngineError } from '@d-engine/base';
import type { ApplicationClient, ApplicationResult } from '@d-engine/storage';
import { applicationClient } from '@d-engine/storage';
import type { EngineHost, LeaderInfo, Membership } from './engine-host.ts';
import { LocalHost } from './local-host.ts';
import type { EmbeddedStart } from './start-options.ts';
import { loadEmbedded } from './start-options.ts';
import { WorkerHost } from './worker/worker-host.ts';

export interface WaitReadyOptions {
  /** 30,000 when absent: a new cluster waits for its members, then elects. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const readyTimeoutMsDefault = 30_000;

/**
 * A member of a cluster inside this process, or a whole store of one member:
 *
 *     const engine = await EmbeddedEngine.start({ dataDir: './data' });
 *     await engine.waitReady();
 *     await engine.client().put('greeting', 'hello');
 *     await engine.stop();
 *
 * It is a guest: it installs no signal handler, writes nothing to the terminal, never exits the
 * process, and opens a port only for a configuration that names one or other members.
 */
export class EmbeddedEngine {
  /**
   * Settles when the engine has stopped and everything is closed: without a value after stop(),
   * with the reason when something fatal stopped it. Never rejects. The process lives on.
   */
  readonly closed: Promise<Error | undefined>;
  readonly #host: EngineHost;
  /** Undefined while it runs the key-value store. */
  readonly #application: ApplicationClient | undefined;

  /** For the package itself; see {@link EmbeddedEngine.start}. */
  constructor(host: EngineHost, runsApplication: boolean) {
    this.#host = host;
    this.#application = runsApplication ? applicationClient(host.client) : undefined;
    this.closed = host.closed;
  }

  /**
   * Resolves when the member runs; a leader may not be known yet. Rejects with a ConfigError that
   * names everything that is wrong, or when the directory or the port cannot be had.
   */
  static async start(options: EmbeddedStart): Promise<EmbeddedEngine> {
    const loaded = loadEmbedded(options);
    const { logger, metrics, stateMachine: application, storage: disk } = options;
    const { openStateMachine } = options;
    const host =
      options.thread === 'worker'
        ? await WorkerHost.start({ loaded, logger, metrics })
        : await LocalHost.start({
            loaded,
            logger,
            metrics,
            application,
            openStateMachine,
            disk,
          });
    return new EmbeddedEngine(host, application !== undefined);
  }

  get nodeId(): number {
    return this.#host.nodeId;
  }

  /** Where peers and clients reach it, with the real port; undefined when it opened none. */
  get address(): Address | undefined {
    return this.#host.address;
  }

  /** As far as this member knows; another may have taken over a moment ago. */
  get isLeader(): boolean {
    return this.#host.state.current.role === 'leader';
  }

  /** Undefined while no leader is known. */
  get leaderInfo(): LeaderInfo | undefined {
    return this.#host.state.current.leader;
  }

  get isStopped(): boolean {
    return this.#host.state.hasEnded;
  }

  /** The store. On a member that does not lead, writes and reads go to the one that does. */
  client(): ClientApi {
    return this.#host.client;
  }

  /**
   * Hands a command to the state machine that was given at the start, on every member, and resolves
   * with its answer once the command is committed and applied here or at the leader.
   */
  async propose(command: Uint8Array, options?: RequestOptions): Promise<ApplicationResult> {
    return this.#ownMachine().propose(command, options);
  }

  /**
   * Asks the state machine that was given at the start, with the guarantees of the consistency.
   * Rejects with InvalidRequest and the message of what the machine throws.
   */
  async query(request: Uint8Array, options?: ReadOptions): Promise<ApplicationResult> {
    return this.#ownMachine().query(request, options);
  }

  #ownMachine(): ApplicationClient {
    if (this.#application !== undefined) return this.#application;
    const message = 'the engine runs the key-value store: start it with stateMachine';
    throw new DEngineError('Unsupported', message);
  }

  /**
   * Resolves with the leader once one is known. Rejects with ClusterUnavailable, saying what is
   * missing, when the time is over, and with Stopped when the engine stops.
   */
  async waitReady(options: WaitReadyOptions = {}): Promise<LeaderInfo> {
    const { timeoutMs = readyTimeoutMsDefault, signal } = options;
    const timeout = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    try {
      for await (const leader of this.#host.state.values(({ leader: one }) => one, either)) {
        if (leader !== undefined) return leader;
      }
    } catch (error) {
      if (!timeout.aborted || signal?.aborted === true) throw error;
      const why = await this.#host.whyNotReady();
      throw new DEngineError('ClusterUnavailable', `not ready after ${timeoutMs} ms: ${why}`);
    }
    throw new DEngineError('Stopped', 'the engine has stopped', { cause: await this.closed });
  }

  /** Calls back with each new leader, and undefined while there is none. Returns how to stop. */
  onLeaderChange(listener: (leader: LeaderInfo | undefined) => void): () => void {
    const { state } = this.#host;
    let seen = state.current.leader;
    return state.onChange(() => {
      const { leader } = state.current;
      if (leader === seen) return;
      seen = leader;
      try {
        listener(leader);
      } catch (error) {
        this.#host.noteFailedListener(error);
      }
    });
  }

  /**
   * Who belongs to the cluster, now and whenever that changes; a slow reader gets the newest alone.
   * Ends when the engine stops; throws the signal's reason when it aborts.
   */
  watchMembership(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Membership> {
    return this.#host.state.values(({ membership }) => membership, options.signal);
  }

  /** As Prometheus reads them; empty when the host's registry makes no text. */
  renderMetrics(): Promise<string> {
    return this.#host.renderMetrics();
  }

  /**
   * A leader hands over first; what waits is answered; everything is closed. Idempotent. Rejects
   * when it cannot be closed in good order.
   */
  async stop(): Promise<void> {
    const { hasEnded } = this.#host.state;
    await this.#host.stop();
    const reason = await this.closed;
    if (!hasEnded && reason !== undefined) throw reason;
  }

  /** `await using engine = await EmbeddedEngine.start(...)` stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
