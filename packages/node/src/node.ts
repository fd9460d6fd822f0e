import type {
  Address,
  ClientApi,
  Env,
  LeaderHint,
  Listener,
  Logger,
  LogIndex,
  MemberAction,
  MemberChangeResult,
  Metrics,
  NodeId,
  NodeStatus,
  Service,
  Term,
  Timer,
} from '@d-engine/base';
import {
  assertLimitsAgree,
  type DEngineError,
  describeError,
  InvariantViolation,
} from '@d-engine/base';
import type { Configuration, Effects, Notice, Raft, RaftView } from '@d-engine/raft';

import type {
  ApplicationFactory,
  EntryObserver,
  OpenStateMachine,
  SnapshotReader,
  Storage,
} from '@d-engine/storage';
import { hintAddress } from './addresses.ts';
import { asError } from './as-error.ts';
import { handOver } from './hand-over.ts';
import type { HealthReport } from './health.ts';
import { healthReport, isReady } from './health.ts';
import { historyGivenUp } from './history-given-up.ts';
import { Listeners } from './listeners.ts';
import { LocalClient } from './local-client.ts';
import { MemberParts } from './member-parts.ts';
import type { MemberState } from './member-state.ts';
import { openMemberState, openMemberStorage, resumeState } from './member-state.ts';
import { nodeStatus } from './node-status.ts';
import { OperatorLog } from './operator-log.ts';
import { readBarrier } from './read-barrier.ts';
import type { ReadRequest } from './reads.ts';
import type { ServedMember } from './services/served-methods.ts';
import { servedMethods } from './services/served-methods.ts';
import type { NodeSettings } from './settings.ts';
import { Stalls } from './stalls.ts';
import type { WatchOpener } from './watch/watcher.ts';

export interface NodeOptions {
  readonly env: Env;
  readonly settings: NodeSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Serves the member's port; `env.network.listen` unless the port is shared with HTTP. */
  readonly listen?: (address: Address, service: Service) => Promise<Listener>;
  /**
   * Told of the state after each entry that is applied, and after a snapshot was loaded: for checks
   * of a whole cluster.
   */
  readonly onEntryApplied?: EntryObserver;
  /** The state machine; the one in memory unless given. */
  readonly openStateMachine?: OpenStateMachine | undefined;
  /** A state machine of the host's, instead of the key-value store; the same on every member. */
  readonly application?: ApplicationFactory | undefined;
}

/** The log records what is durable once nothing was written for this long. */
const idleIntervalMs = 1_000;

/** One running member: storage, Raft, state machine, peers and clients, wired together. */
export class Node {
  readonly client: ClientApi;
  /**
   * Settles when the member has stopped: without a value after stop(), with the fatal error else.
   */
  readonly closed: Promise<Error | undefined>;
  readonly settings: NodeSettings;
  readonly #env: Env;
  readonly #logger: Logger;
  readonly #storage: Storage;
  readonly #parts: MemberParts;
  readonly #operatorLog: OperatorLog;
  readonly #leaderListeners: Listeners<LeaderHint | undefined>;
  readonly #membershipListeners: Listeners<Configuration>;
  readonly #stalls: Stalls;
  #listener: Listener | undefined;
  #idleTimer: Timer | undefined;
  #settleClosed!: (error: Error | undefined) => void;
  #stopping: Promise<void> | undefined;
  #fatal: Error | undefined;
  #isClosing = false;
  /** As listeners know it. */
  #configuration: Configuration;
  #clusterRecord: 'none' | 'underWay' | 'noRoom' | 'done';

  /**
   * Opens the data directory, serves the port and joins the peers. Rejects when the directory
   * cannot be used or the port is taken; nothing is left open then.
   */
  static async start(options: NodeOptions): Promise<Node> {
    assertLimitsAgree();
    const { env, settings, logger } = options;
    const storage = await openMemberStorage(env, settings, logger);
    let state: MemberState | undefined;
    let node: Node | undefined;
    try {
      state = await openMemberState({
        application: options.application,
        openStateMachine: options.openStateMachine,
        storage,
        dataDirectory: settings.dataDirectory,
        logger,
        onEntryApplied: options.onEntryApplied,
        onDurable: () => {
          if (node !== undefined) node.#parts.turns.request();
        },
        onFailure: (error) => {
          if (node !== undefined) node.#fail(error);
        },
      });
      node = new Node(options, storage, state);
      await resumeState(node.#parts.applier, env.clock, logger);
      await node.#serve(options.listen ?? ((at, service) => env.network.listen(at, service)));
      return node;
    } catch (error) {
      if (node !== undefined) node.#parts.turns.stop();
      await state?.stateMachine.close();
      await storage.close();
      throw error;
    }
  }

  private constructor(options: NodeOptions, storage: Storage, state: MemberState) {
    const { env, settings, logger } = options;
    this.settings = settings;
    this.#env = env;
    this.#logger = logger;
    this.#storage = storage;
    this.#clusterRecord = storage.identity.clusterId === null ? 'none' : 'done';
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    this.#leaderListeners = new Listeners(logger, 'leader changes');
    this.#membershipListeners = new Listeners(logger, 'membership changes');
    const { nodeId } = settings;
    this.#operatorLog = new OperatorLog({ logger, clock: env.clock, nodeId });
    this.#parts = new MemberParts({
      env,
      settings,
      logger,
      metrics: options.metrics,
      storage,
      state,
      onEntryApplied: options.onEntryApplied,
      onEffects: (effects) => this.#onEffects(effects),
      onStall: (blockedMs) => this.noteStall(blockedMs),
      onFailure: (error) => this.#fail(error),
    });
    this.#configuration = this.#parts.raft.configuration;
    this.#stalls = new Stalls({
      clock: env.clock,
      logger,
      onStall: () => this.#parts.metrics.loopStalls.add(),
    });
    this.client = new LocalClient({
      writes: this.#parts.writes,
      submitRead: (request) => this.#submitRead(request),
      checks: this.#parts.checks,
      watches: this.#parts.watches,
      status: () => this.status(),
    });
  }

  async #serve(listen: (address: Address, service: Service) => Promise<Listener>): Promise<void> {
    const member: ServedMember = {
      status: () => this.status(),
      isReady: () => isReady(this.health()),
      submitRead: (request) => this.#submitRead(request),
      openSnapshot: () => this.openSnapshot(),
    };
    const service = servedMethods(member, this.#parts, {
      clock: this.#env.clock,
      logger: this.#logger,
    });
    this.#listener = await listen(this.settings.listenAddress, service);
    this.#parts.membership.start();
    this.#parts.turns.request();
    this.#armIdleTimer();
  }

  /** The address that it listens on, with the real port. */
  get address(): Address {
    return this.#listener?.address ?? this.settings.listenAddress;
  }

  get isLeader(): boolean {
    return this.#parts.leadership.accepting;
  }

  status(): NodeStatus {
    return nodeStatus({
      raft: this.#parts.raft,
      stateMachine: this.#parts.stateMachine,
      storage: this.#storage,
      settings: this.settings,
      condition: this.#parts.condition,
      leadership: this.#parts.leadership,
      addresses: this.#parts.addresses,
      clock: this.#env.clock,
    });
  }

  health(): HealthReport {
    return healthReport(
      this.status(),
      this.#parts.leadership,
      this.#parts.condition,
      this.#spaceProblem,
    );
  }

  get #spaceProblem(): Error | undefined {
    return this.#storage.spaceProblem ?? this.#parts.stateMachine.spaceProblem;
  }

  /** The leader, at an address that a caller who reached this member as `callerHost` can dial. */
  leaderHint(callerHost: string | undefined): LeaderHint | undefined {
    const hint = this.#parts.leadership.hint;
    return hint && { id: hint.id, address: hintAddress(hint.address, callerHost) };
  }

  // What checks of a whole cluster compare after every step; see also status().

  get raft(): RaftView {
    return this.#parts.raft;
  }

  get role(): Raft['role'] {
    return this.#parts.raft.role;
  }

  get term(): Term {
    return this.#parts.raft.term;
  }

  get leaderId(): NodeId | null {
    return this.#parts.raft.leaderId;
  }

  get commitIndex(): LogIndex {
    return this.#parts.raft.commitIndex;
  }

  get appliedIndex(): LogIndex {
    return this.#parts.stateMachine.appliedIndex;
  }

  /** False while this member is stopping or refused. */
  get isServing(): boolean {
    return this.#parts.condition.closed === undefined;
  }

  /** Brings the gauges up to date before somebody reads them. */
  refreshMetrics(): void {
    this.#parts.snapshots.refreshMetrics();
    this.#parts.watches.refreshMetrics();
    this.#parts.metrics.refresh({
      raft: this.#parts.raft,
      state: this.#parts.stateMachine,
      pendingWrites: this.#parts.proposals.pendingCount,
      pendingReads: this.#parts.reads.pendingCount,
      isDiskFull: this.#spaceProblem !== undefined,
    });
  }

  /** Calls back at every change of the known leader; returns how to stop that. */
  onLeaderChange(listener: (leader: LeaderHint | undefined) => void): () => void {
    return this.#leaderListeners.add(listener);
  }

  /** Calls back when other members belong to the cluster; returns how to stop that. */
  onMembershipChange(listener: (configuration: Configuration) => void): () => void {
    return this.#membershipListeners.add(listener);
  }

  /**
   * Changes one member; any member takes it. Resolves once that is committed: asking again does no
   * harm. Rejects with the reason when the time is over.
   */
  changeMember(action: MemberAction, nodeId: NodeId, waitMs: number): Promise<MemberChangeResult> {
    return this.#parts.membership.changes.request({ action, nodeId }, waitMs);
  }

  /** Somebody noticed that the event loop was held up until now, for so long. */
  noteStall(blockedMs: number): void {
    this.#stalls.note(blockedMs);
  }

  /** What HTTP serves watches from. */
  get watches(): WatchOpener {
    return this.#parts.watches;
  }

  /**
   * A snapshot with everything that was acknowledged before this call: the newest one, or one that
   * is taken now. The file stays until the reader is closed. Rejects as a linearizable read does;
   * with DiskError, when there is no room.
   */
  async openSnapshot(): Promise<SnapshotReader> {
    const { serverDeadlineMs } = this.settings;
    await readBarrier((request) => this.#submitRead(request), serverDeadlineMs);
    return this.#parts.snapshots.open(this.appliedIndex);
  }

  /**
   * Begins to hand leadership over to this member, or to the one that is furthest, and goes on as a
   * follower; a target that does not take over in an election timeout leaves things as they were.
   * False: this member does not lead, or there is nobody to hand over to.
   */
  transferLeadership(target: NodeId | undefined): boolean {
    const hasBegun = this.#parts.raft.transferLeadership(target, this.#env.clock.now());
    if (hasBegun) this.#parts.turns.request();
    return hasBegun;
  }

  /**
   * Hands leadership over, answers what waits, closes everything. Idempotent; resolves when the
   * directory is released.
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stopGracefully();
    await this.#stopping;
  }

  async #stopGracefully(): Promise<void> {
    this.#parts.condition.stop();
    if (this.#fatal === undefined) {
      await handOver({
        raft: this.#parts.raft,
        clock: this.#env.clock,
        limitMs: this.settings.electionTimeoutMaxMs,
        begin: () => this.transferLeadership(undefined),
        reachesVoter: () => this.#reachesVoter(),
        onLeaderChange: (listener) => this.onLeaderChange(listener),
      });
    }
    try {
      await this.#shutDown('the member has stopped');
    } catch (error) {
      // Whoever waits for `closed` must hear of it, whether or not anybody called stop().
      this.#settleClosed(this.#fatal ?? asError(error));
      throw error;
    }
    this.#settleClosed(this.#fatal);
  }

  #reachesVoter(): boolean {
    const { voters } = this.#parts.raft.configuration;
    return voters.some(
      (id) => id !== this.settings.nodeId && this.#parts.transport.isConnected(id),
    );
  }

  async #shutDown(message: string): Promise<void> {
    this.#isClosing = true;
    this.#parts.turns.stop();
    this.#idleTimer?.cancel();
    this.#parts.writes.failAll(message);
    this.#parts.proposals.failAll(message);
    this.#parts.reads.failAll(message);
    this.#parts.forwards.failAll(message);
    this.#parts.watches.stop(message);
    this.#parts.deadlines.stop();
    this.#parts.timeKeeper.stop();
    this.#parts.snapshots.stop();
    this.#parts.membership.stop(message);
    this.#parts.transport.stop();
    await this.#listener?.close(100);
    try {
      this.#parts.turns.flush();
      await this.#closeFiles();
    } catch (error) {
      if (this.#fatal === undefined) throw error;
      this.#logger.error('closing the storage failed too', { error: describeError(error) });
    }
  }

  async #closeFiles(): Promise<void> {
    try {
      await this.#parts.stateMachine.close();
    } finally {
      // It unlocks the directory, so it is last, whatever happened.
      await this.#storage.close(this.#fatal === undefined);
    }
  }

  /** An impossible state or a failed disk: nothing is answered any more. */
  #fail(error: unknown): void {
    if (this.#fatal !== undefined) return;
    if (this.#isClosing) {
      // What still ran when the storage closed fails now, and nobody waits for it.
      this.#logger.debug(`while closing: ${describeError(error)}`);
      return;
    }
    this.#fatal = asError(error);
    const kind = error instanceof InvariantViolation ? 'a defect' : 'a failure';
    this.#logger.error(`${kind} stopped this node: ${describeError(error)}`, {
      node: this.settings.nodeId,
      stack: error instanceof InvariantViolation ? error.stack : undefined,
    });
    this.#parts.condition.stop();
    this.#parts.turns.stop();
    this.stop().catch((next: unknown) => {
      this.#logger.error('stopping failed', { error: describeError(next) });
      this.#settleClosed(this.#fatal);
    });
  }

  #submitRead(request: ReadRequest): DEngineError | undefined {
    const closed = this.#parts.condition.closed;
    if (closed !== undefined) return closed;
    const counted = this.#parts.metrics.countedRead(request);
    const refused = this.#parts.reads.submit(counted);
    if (refused !== undefined) this.#parts.metrics.readFailures.add();
    return refused;
  }

  #onEffects(effects: Effects): void {
    this.#operatorLog.onEffects(effects);
    this.#parts.writes.onRoom();
    if (effects.stateChange !== undefined) {
      this.#parts.metrics.leaderSeen(effects.stateChange.leaderId);
      this.#parts.writes.onLeadershipChange();
      this.#leaderListeners.tell(this.#parts.leadership.hint);
    }
    this.#parts.membership.onEffects();
    const { configuration } = this.#parts.raft;
    if (configuration !== this.#configuration) {
      this.#configuration = configuration;
      this.#membershipListeners.tell(configuration);
    }
    for (const notice of effects.notices) this.#onNotice(notice);
    const isKnown = this.#parts.raft.clusterId !== undefined;
    if (this.#clusterRecord === 'none' && isKnown) this.#recordCluster();
  }

  #onNotice(notice: Notice): void {
    if (notice.type === 'recovered') this.#onRecovered();
    if (notice.type === 'possibleDataLoss') this.#parts.metrics.recovery.possibleDataLosses.add();
    if (notice.type === 'historyGivenUp') this.#fail(historyGivenUp(notice.index));
  }

  /**
   * The bootstrap entry is committed: from now on the cluster's id is sent and enforced (rule 2).
   */
  #recordCluster(): void {
    const { bootstrap } = this.#parts.raft;
    if (bootstrap === undefined) return;
    this.#clusterRecord = 'underWay';
    this.#storage.recordCluster(bootstrap.clusterId, bootstrap.formedAtWallMs).then(
      (noRoom) => {
        // It stands in the log as well; the next idle moment tries again.
        this.#clusterRecord = noRoom === undefined ? 'done' : 'noRoom';
        if (noRoom !== undefined) return;
        this.#logger.info('part of cluster', { cluster: bootstrap.clusterId });
        this.#parts.membership.refreshLinks();
        this.#parts.transport.announce();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** It counts from now on, once its peers have heard so. */
  #onRecovered(): void {
    this.#storage.recordRecovered().catch((error: unknown) => this.#fail(error));
    this.#parts.transport.announce();
  }

  #armIdleTimer(): void {
    this.#idleTimer = this.#env.clock.setTimer(idleIntervalMs, () => {
      this.#operatorLog.watchLag(this.#parts.raft);
      this.#storage.idle().catch((error: unknown) => this.#fail(error));
      if (this.#clusterRecord === 'noRoom') this.#recordCluster();
      this.#parts.snapshots.onIdle();
      // What found no room on disk is tried again.
      this.#parts.applier.tellDurable();
      this.#parts.verification.onIdle();
      this.#parts.watches.onIdle();
      this.#armIdleTimer();
    });
  }
}
