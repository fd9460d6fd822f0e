import type { Address, DEngineError, Env, Logger, NodeId, Timer } from '@d-engine/base';
import type { Raft } from '@d-engine/raft';
import { isMember } from '@d-engine/raft';
import type { JoinRequest } from '@d-engine/wire';
import { decodeJoinResponse, encodeJoinRequest, methods, toDEngineError } from '@d-engine/wire';
import type { JoinSettings } from './membership-settings.ts';

/**
 * A node that its file calls a learner asks to be taken in, at any member, until the log that it
 * gets names it. Members that do not lead say who does.
 */
export class LearnerJoin {
  readonly #env: Pick<Env, 'clock' | 'network'>;
  readonly #logger: Logger;
  readonly #raft: Raft;
  readonly #nodeId: NodeId;
  readonly #settings: JoinSettings;
  readonly #addresses: readonly Address[];
  readonly #request: () => JoinRequest;
  readonly #told = new Set<string>();
  #attempts = 0;
  #hint: Address | undefined;
  #isAccepted = false;
  #isStopped = false;
  #timer: Timer | undefined;

  constructor(options: {
    readonly env: Pick<Env, 'clock' | 'network'>;
    readonly logger: Logger;
    readonly raft: Raft;
    readonly nodeId: NodeId;
    readonly settings: JoinSettings;
    /** Of the members that the file names, this one left out. */
    readonly addresses: readonly Address[];
    readonly request: () => JoinRequest;
  }) {
    this.#env = options.env;
    this.#logger = options.logger;
    this.#raft = options.raft;
    this.#nodeId = options.nodeId;
    this.#settings = options.settings;
    this.#addresses = options.addresses;
    this.#request = options.request;
  }

  /** A leader took this node in: it may be called by members that its file does not name. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  /** Asks once nobody has called this node for so long: a member of old needs not to join. */
  start(delayMs: number): void {
    this.#timer = this.#env.clock.setTimer(delayMs, () => {
      this.#attempt().catch((error: unknown) => this.#tell(toDEngineError(error)));
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  get #isDone(): boolean {
    const { bootstrap, configuration, isRemoved } = this.#raft;
    return isRemoved || (bootstrap !== undefined && isMember(configuration, this.#nodeId));
  }

  async #attempt(): Promise<void> {
    if (this.#isStopped || this.#isDone) return;
    const { backoffMs, backoffMaxMs, attemptsMax } = this.#settings;
    const pauseMs = (await this.#askOne())
      ? backoffMaxMs
      : Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(this.#attempts, 16));
    this.#attempts += 1;
    if (this.#attempts % attemptsMax === 0) this.#hint = undefined;
    if (!this.#isStopped) this.start(pauseMs);
  }

  /** True when it was taken in: its leader calls it from now on. */
  async #askOne(): Promise<boolean> {
    const address = this.#hint ?? this.#addresses[this.#attempts % this.#addresses.length];
    if (address === undefined) return false;
    const { timeoutMs, compress } = this.#settings;
    const channel = this.#env.network.connect(address, { plane: 'control' });
    try {
      const compression = compress ? ({ compression: 'gzip' } as const) : {};
      const options = { deadlineMs: timeoutMs, ...compression };
      const bytes = encodeJoinRequest(this.#request());
      const { message } = await channel.call(methods.joinCluster, bytes, options);
      const { leaderId, success } = decodeJoinResponse(message);
      if (success && !this.#isAccepted) this.#logger.info('joined', { leader: leaderId });
      this.#isAccepted ||= success;
      return success;
    } catch (error) {
      const failed = toDEngineError(error);
      // The next try goes to who leads, and from there, should that be wrong, to the list again.
      this.#hint = failed.leader?.address;
      this.#tell(failed);
      return false;
    } finally {
      channel.close();
    }
  }

  /** Each kind of failure once: it tries for as long as it runs. */
  #tell(error: DEngineError): void {
    if (this.#told.has(error.name)) return;
    this.#told.add(error.name);
    const why = { error: error.name, message: error.message };
    if (error.retryable) this.#logger.info('not joined yet', why);
    else this.#logger.error('the cluster does not take this node in', why);
  }
}
