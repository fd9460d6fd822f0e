import { Worker } from 'node:worker_threads';
import type { Address, ClientApi, Logger, LogLevel } from '@d-engine/base';
import { describeError, logLevels } from '@d-engine/base';
import type { EngineHost, EngineState } from '../engine-host.ts';
import { LatestValue } from '../latest-value.ts';
import type { LocalHostOptions } from '../local-host.ts';
import type { HostMetrics } from '../start-options.ts';
import { BridgeCaller } from './bridge-caller.ts';
import type { Answer, ToEngine, ToHost } from './bridge-messages.ts';
import { applyChanges } from './metrics-relay.ts';
import { remoteClient } from './remote-client.ts';
import { unpackError } from './sent-error.ts';
import type { ThreadData } from './thread-data.ts';

type Started = Extract<ToHost, { readonly type: 'started' }>;
type StateChange = Extract<ToHost, { readonly type: 'state' }>;

/** A member on a thread of its own; this end is on the host's event loop. */
export class WorkerHost implements EngineHost {
  readonly nodeId: number;
  readonly address: Address | undefined;
  readonly client: ClientApi;
  readonly state: LatestValue<EngineState>;
  readonly closed: Promise<Error | undefined>;
  readonly #bridge: BridgeCaller;
  readonly #metrics: HostMetrics | undefined;

  private constructor(thread: EngineThread, started: Started) {
    this.nodeId = started.nodeId;
    this.address = started.address;
    this.state = new LatestValue(started.state);
    this.#metrics = thread.metrics;
    this.#bridge = new BridgeCaller(thread);
    this.client = remoteClient(this.#bridge);
    thread.onMessage = (message) => {
      if (message.type === 'state') this.state.set(message.state);
      else this.#bridge.onAnswer(message);
    };
    this.closed = this.#closed(thread);
  }

  static async start(options: LocalHostOptions): Promise<WorkerHost> {
    const thread = new EngineThread(options);
    const started = await thread.started;
    return new WorkerHost(thread, started);
  }

  async whyNotReady(): Promise<string> {
    return (await this.#ask('whyNotReady')) as string;
  }

  async renderMetrics(): Promise<string> {
    const text = (await this.#ask('renderMetrics')) as string;
    return this.#metrics === undefined ? text : (this.#metrics.render?.() ?? '');
  }

  noteFailedListener(error: unknown): void {
    this.#ask('noteFailedListener', describeError(error)).catch(() => undefined);
  }

  async stop(): Promise<void> {
    if (!this.state.hasEnded) await this.#ask('stop');
    await this.closed;
  }

  async #closed(thread: EngineThread): Promise<Error | undefined> {
    const reason = await thread.closed;
    this.state.set({ ...this.state.current, role: 'follower', leader: undefined });
    this.state.end();
    this.#bridge.close(reason);
    return reason;
  }

  #ask(method: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#bridge.call({ target: 'engine', method, args });
  }
}

/** The thread, from its start to its end. */
class EngineThread {
  readonly started: Promise<Started>;
  /** Never rejects. */
  readonly closed: Promise<Error | undefined>;
  readonly metrics: HostMetrics | undefined;
  /** Gets what answers calls and tells the state, once the engine has started. */
  onMessage: (message: Answer | StateChange) => void = () => undefined;
  readonly #worker: Worker;
  readonly #logger: Logger | undefined;
  #settleStarted!: { resolve: (started: Started) => void; reject: (error: Error) => void };
  #hasEnded = false;
  #settleClosed!: (reason: Error | undefined) => void;

  constructor({ loaded, logger, metrics }: LocalHostOptions) {
    this.#logger = logger;
    this.metrics = metrics;
    this.started = new Promise((resolve, reject) => {
      this.#settleStarted = { resolve, reject };
    });
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const data: ThreadData = {
      loaded,
      logLevels: logger && logLevels.filter((level: LogLevel) => logger.enabled(level)),
      hasMetrics: metrics !== undefined,
    };
    // Nothing of the host's belongs in there: no preloaded modules, no part in its streams.
    this.#worker = new Worker(new URL('./engine-worker.js', import.meta.url), {
      name: 'd-engine',
      workerData: data,
      execArgv: [],
      stdout: true,
      stderr: true,
    });
    this.#worker.on('message', (message: ToHost) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('the thread of the engine ended')));
  }

  postMessage(message: ToEngine): void {
    this.#worker.postMessage(message);
  }

  #onMessage(message: ToHost): void {
    switch (message.type) {
      case 'started':
        return this.#settleStarted.resolve(message);
      case 'notStarted':
        this.#settleStarted.reject(unpackError(message.error));
        return this.#end(undefined);
      case 'log':
        this.#logger?.[message.level](message.message, message.fields);
        return;
      case 'metrics':
        if (this.metrics !== undefined) applyChanges(this.metrics, message.changes);
        return;
      case 'closed':
        return this.#end(message.reason && unpackError(message.reason));
      default:
        return this.onMessage(message);
    }
  }

  /** The first reason counts. */
  #end(reason: Error | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#settleStarted.reject(reason ?? new Error('the engine has stopped'));
    this.#worker.terminate().then(
      () => this.#settleClosed(reason),
      () => this.#settleClosed(reason),
    );
  }
}
