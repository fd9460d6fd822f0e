import type {
  Address,
  ClientApi,
  Env,
  LeaderHint,
  Listener,
  Logger,
  LogIndex,
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
import type { Effects } from '@d-engine/raft';
import { decodeBootstrap, Raft } from '@d-engine/raft';
import type { Storage } from '@d-engine/storage';
import { KeyValueStateMachine, openStorage } from '@d-engine/storage';
import { hintAddress } from './addresses.ts';
import { Applier } from './applier.ts';
import { Deadlines } from './deadlines.ts';
import { Forwards } from './forwards.ts';
import { handOver } from './hand-over.ts';
import type { HealthReport } from './health.ts';
import { healthReport, isReady } from './health.ts';
import { MemberLeadership } from './leadership.ts';
import { LocalClient } from './local-client.ts';
import { MemberAddresses } from './member-addresses.ts';
import { MemberCondition } from './member-condition.ts';
import { NodeMetrics } from './node-metrics.ts';
import { nodeStatus } from './node-status.ts';
import { OperationChecks } from './operation-checks.ts';
import { OperatorLog } from './operator-log.ts';
import { Peering } from './peering.ts';
import { guardedObserver } from './peers/guarded-observer.ts';
import { Transport } from './peers/transport.ts';
import { Proposals } from './proposals.ts';
import { randomId } from './random-id.ts';
import type { ReadRequest } from './reads.ts';
import { Reads } from './reads.ts';
import { ClientCalls } from './services/client-calls.ts';
import { ClusterCalls } from './services/cluster-calls.ts';
import { MemberService } from './services/member-service.ts';
import type { NodeSettings } from './settings.ts';
import { TurnLoop } from './turn-loop.ts';
import { WriteRouter } from './write-router.ts';

export interface NodeOptions {
  readonly env: Env;
  readonly settings: NodeSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Serves the member's port; `env.network.listen` unless the port is shared with HTTP. */
  readonly listen?: (address: Address, service: Service) => Promise<Listener>;
}

/** A read or write waits this many election timeouts for a leader before it is refused. */
const leaderWaitTimeouts = 1.5;
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
  readonly #raft: Raft;
  readonly #stateMachine: KeyValueStateMachine;
  readonly #deadlines: Deadlines;
  readonly #condition: MemberCondition;
  readonly #checks: OperationChecks;
  readonly #addresses: MemberAddresses;
  readonly #transport: Transport;
  readonly #leadership: MemberLeadership;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #forwards: Forwards;
  readonly #writes: WriteRouter;
  readonly #turns: TurnLoop;
  readonly #operatorLog: OperatorLog;
  readonly #metrics: NodeMetrics;
  readonly #leaderListeners = new Set<(leader: LeaderHint | undefined) => void>();
  #listener: Listener | undefined;
  #idleTimer: Timer | undefined;
  #settleClosed!: (error: Error | undefined) => void;
  #stopping: Promise<void> | undefined;
  #fatal: Error | undefined;
  #isClosing = false;
  #clusterRecorded: boolean;

  /**
   * Opens the data directory, serves the port and joins the peers. Rejects when the directory
   * cannot be used or the port is taken; nothing is left open then.
   */
  static async start(options: NodeOptions): Promise<Node> {
    assertLimitsAgree();
    const { env, settings, logger } = options;
    const storage = await openStorage({
      disk: env.disk,
      directory: settings.dataDirectory,
      nodeId: settings.nodeId,
      newInstanceId: () => randomId(env.random),
      logger,
      segmentBytes: settings.segmentBytes,
    });
    let node: Node | undefined;
    try {
      node = new Node(options, storage);
      await node.#serve(options.listen ?? ((at, service) => env.network.listen(at, service)));
      return node;
    } catch (error) {
      if (node !== undefined) node.#turns.stop();
      await storage.close();
      throw error;
    }
  }

  private constructor(options: NodeOptions, storage: Storage) {
    const { env, settings, logger } = options;
    this.settings = settings;
    this.#env = env;
    this.#logger = logger;
    this.#storage = storage;
    this.#clusterRecorded = storage.identity.clusterId !== null;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const clock = env.clock;
    this.#metrics = new NodeMetrics(options.metrics, clock);
    this.#operatorLog = new OperatorLog({ logger, clock, nodeId: settings.nodeId });
    this.#stateMachine = new KeyValueStateMachine({
      readHistoryId: (payload) => decodeBootstrap(payload).historyId,
    });
    this.#raft = new Raft(
      {
        nodeId: settings.nodeId,
        instanceId: storage.identity.instanceId,
        initialMembers: settings.initialMembers,
        electionTimeoutMinMs: settings.electionTimeoutMinMs,
        electionTimeoutMaxMs: settings.electionTimeoutMaxMs,
        heartbeatIntervalMs: settings.heartbeatIntervalMs,
        leaseDurationMs: settings.leaseDurationMs,
        appendEntriesMax: settings.appendEntriesMax,
        random: () => env.random.float(),
        newId: () => randomId(env.random),
      },
      storage.recovered,
      clock.now(),
    );
    this.#deadlines = new Deadlines(clock);
    this.#condition = new MemberCondition();
    this.#checks = new OperationChecks(settings);
    this.#addresses = new MemberAddresses(settings, () => this.#raft.configuration);
    const fail = (error: unknown): void => this.#fail(error);
    const requestTurn = (): void => this.#turns.request();
    const peering = new Peering({
      env,
      raft: this.#raft,
      storage,
      settings,
      condition: this.#condition,
      checks: this.#checks,
      addresses: this.#addresses,
      logger,
      parts: () => ({ turns: this.#turns, forwards: this.#forwards, writes: this.#writes }),
      onFailure: fail,
    });
    this.#transport = new Transport({ env, logger, observer: guardedObserver(peering, fail) });
    this.#leadership = new MemberLeadership({
      raft: this.#raft,
      settings,
      addresses: this.#addresses,
      transport: this.#transport,
      condition: this.#condition,
    });
    const deadlines = this.#deadlines;
    const leaderWaitMs = settings.electionTimeoutMaxMs * leaderWaitTimeouts;
    this.#proposals = new Proposals({
      clock,
      deadlines,
      pendingMax: settings.pendingWritesMax,
      batchMax: settings.proposalBatchMax,
    });
    this.#reads = new Reads({
      clock,
      deadlines,
      state: this.#stateMachine,
      pendingMax: settings.pendingReadsMax,
      leaderWaitMs,
      bootCount: storage.identity.bootCount,
      requestTurn,
    });
    this.#forwards = new Forwards({
      clock,
      deadlines,
      sendFrame: (to, frame) => this.#transport.sendForward(to, frame),
    });
    this.#writes = new WriteRouter({
      clock,
      deadlines,
      proposals: this.#proposals,
      forwards: this.#forwards,
      leadership: this.#leadership,
      leaderWaitMs,
      pendingMax: settings.pendingWritesMax,
      requestTurn,
      metrics: this.#metrics,
    });
    this.#turns = new TurnLoop({
      env,
      raft: this.#raft,
      storage,
      applier: new Applier({
        raft: this.#raft,
        storage,
        stateMachine: this.#stateMachine,
        proposals: this.#proposals,
        onApplied: () => {
          this.#reads.onApplied();
          this.#writes.onRoom();
          requestTurn();
        },
        onFailure: fail,
      }),
      proposals: this.#proposals,
      reads: this.#reads,
      electionTimeoutMinMs: settings.electionTimeoutMinMs,
      metrics: this.#metrics,
      observer: {
        send: (messages) => this.#transport.send(messages),
        onEffects: (effects) => this.#onEffects(effects),
        onStall: (blockedMs) => this.#onStall(blockedMs),
        refusal: (reason) => this.#leadership.refusal(reason),
        onFailure: fail,
      },
    });
    this.client = new LocalClient({
      writes: this.#writes,
      submitRead: (request) => this.#submitRead(request),
      checks: this.#checks,
      status: () => this.status(),
    });
  }

  async #serve(listen: (address: Address, service: Service) => Promise<Listener>): Promise<void> {
    const clientCalls = new ClientCalls({
      writes: this.#writes,
      submitRead: (request) => this.#submitRead(request),
      checks: this.#checks,
      leadership: this.#leadership,
    });
    const clusterCalls = new ClusterCalls({
      status: () => this.status(),
      isReady: () => isReady(this.health()),
    });
    const service = new MemberService({
      handlers: new Map([...clientCalls.handlers(), ...clusterCalls.handlers()]),
      transport: this.#transport,
      logger: this.#logger,
    });
    this.#listener = await listen(this.settings.listenAddress, service);
    this.#setPeers();
    this.#turns.request();
    this.#armIdleTimer();
  }

  #setPeers(): void {
    const members = this.#raft.configuration.members;
    const others = members.filter((member) => member.id !== this.settings.nodeId);
    const peers = others.map((member) => ({
      id: member.id,
      address: this.#addresses.toDial(member.id) ?? member.address,
    }));
    this.#transport.setPeers(peers);
  }

  /** The address that it listens on, with the real port. */
  get address(): Address {
    return this.#listener?.address ?? this.settings.listenAddress;
  }

  get isLeader(): boolean {
    return this.#leadership.accepting;
  }

  status(): NodeStatus {
    return nodeStatus({
      raft: this.#raft,
      stateMachine: this.#stateMachine,
      storage: this.#storage,
      settings: this.settings,
      condition: this.#condition,
      leadership: this.#leadership,
      addresses: this.#addresses,
      clock: this.#env.clock,
    });
  }

  health(): HealthReport {
    return healthReport(this.status(), this.#leadership, this.#condition, this.#storage);
  }

  /** The leader, at an address that a caller who reached this member as `callerHost` can dial. */
  leaderHint(callerHost: string | undefined): LeaderHint | undefined {
    const hint = this.#leadership.hint;
    return hint && { id: hint.id, address: hintAddress(hint.address, callerHost) };
  }

  // What checks of a whole cluster compare after every step; see also status().

  get role(): Raft['role'] {
    return this.#raft.role;
  }

  get term(): Term {
    return this.#raft.term;
  }

  get leaderId(): NodeId | null {
    return this.#raft.leaderId;
  }

  get commitIndex(): LogIndex {
    return this.#raft.commitIndex;
  }

  get appliedIndex(): LogIndex {
    return this.#stateMachine.appliedIndex;
  }

  /** False while this member is stopping or refused. */
  get isServing(): boolean {
    return this.#condition.closed === undefined;
  }

  /** Hash of the state at the applied index: equal on members that applied the same. */
  stateHash(): string {
    return this.#stateMachine.stateHash();
  }

  /** Brings the gauges up to date before somebody reads them. */
  refreshMetrics(): void {
    this.#metrics.refresh({
      raft: this.#raft,
      appliedIndex: this.#stateMachine.appliedIndex,
      pendingWrites: this.#proposals.pendingCount,
      pendingReads: this.#reads.pendingCount,
      keys: this.#stateMachine.keyCount,
      stateBytes: this.#stateMachine.stateBytes,
    });
  }

  /** Calls back at every change of the known leader; returns how to stop that. */
  onLeaderChange(listener: (leader: LeaderHint | undefined) => void): () => void {
    this.#leaderListeners.add(listener);
    return () => this.#leaderListeners.delete(listener);
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
    this.#condition.stop();
    if (this.#fatal === undefined) {
      await handOver({
        raft: this.#raft,
        clock: this.#env.clock,
        limitMs: this.settings.electionTimeoutMaxMs,
        requestTurn: () => this.#turns.request(),
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
    const { voters } = this.#raft.configuration;
    return voters.some((id) => id !== this.settings.nodeId && this.#transport.isConnected(id));
  }

  async #shutDown(message: string): Promise<void> {
    this.#isClosing = true;
    this.#turns.stop();
    this.#idleTimer?.cancel();
    this.#writes.failAll(message);
    this.#proposals.failAll(message);
    this.#reads.failAll(message);
    this.#forwards.failAll(message);
    this.#deadlines.stop();
    this.#transport.stop();
    await this.#listener?.close(100);
    try {
      await this.#storage.close();
    } catch (error) {
      if (this.#fatal === undefined) throw error;
      this.#logger.error('closing the storage failed too', { error: describeError(error) });
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
    this.#condition.stop();
    this.#turns.stop();
    this.stop().catch((next: unknown) => {
      this.#logger.error('stopping failed', { error: describeError(next) });
      this.#settleClosed(this.#fatal);
    });
  }

  #submitRead(request: ReadRequest): DEngineError | undefined {
    const closed = this.#condition.closed;
    if (closed !== undefined) return closed;
    const counted = this.#metrics.countedRead(request);
    const refused = this.#reads.submit(counted);
    if (refused !== undefined) this.#metrics.readFailures.add();
    return refused;
  }

  #onEffects(effects: Effects): void {
    this.#operatorLog.onEffects(effects);
    this.#writes.onRoom();
    if (effects.stateChange !== undefined) {
      this.#metrics.leaderSeen(effects.stateChange.leaderId);
      this.#writes.onLeadershipChange();
      for (const listener of this.#leaderListeners) listener(this.#leadership.hint);
    }
    if (!this.#clusterRecorded && this.#raft.clusterId !== undefined) this.#recordCluster();
  }

  /**
   * The bootstrap entry is committed: from now on the cluster's id is sent and enforced (rule 2).
   */
  #recordCluster(): void {
    const { bootstrap } = this.#raft;
    if (bootstrap === undefined) return;
    this.#clusterRecorded = true;
    this.#storage.recordCluster(bootstrap.clusterId, bootstrap.formedAtWallMs).then(
      () => {
        this.#logger.info('part of cluster', { cluster: bootstrap.clusterId });
        this.#setPeers();
        this.#transport.announce();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #onStall(blockedMs: number): void {
    this.#metrics.loopStalls.add();
    this.#logger.warn(`event loop blocked ${Math.round(blockedMs)} ms`);
  }

  #armIdleTimer(): void {
    this.#idleTimer = this.#env.clock.setTimer(idleIntervalMs, () => {
      this.#operatorLog.watchLag(this.#raft);
      this.#storage.idle().catch((error: unknown) => this.#fail(error));
      this.#armIdleTimer();
    });
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describeError(thrown));
}
