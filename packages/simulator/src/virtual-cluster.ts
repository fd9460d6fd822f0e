import type { Env, LogLevel, NodeId, Term } from '@d-engine/base';
import type { NodeSettings } from '@d-engine/node';
import { Node } from '@d-engine/node';
import type { VirtualHost, VirtualWorld } from '@d-engine/virtual-env';
import { Counters } from './counters.ts';
import { strategyOf } from './draw-persistence.ts';
import { HeardAnswers } from './heard-answers.ts';
import { AppliedStates } from './invariants/applied-states.ts';
import { CommittedEntries } from './invariants/committed-entries.ts';
import { Losses } from './invariants/losses.ts';
import type { MemberView } from './invariants/member-view.ts';
import { NodeView } from './invariants/member-view.ts';
import { countingLogger, countingMetrics } from './member-observers.ts';
import { Memberships } from './memberships.ts';
import type { Scenario } from './scenario.ts';
import { envOf } from './transport.ts';
import { WatchTruth } from './watches/watch-truth.ts';

export const dataDirectory = '/data';

export interface ClusterEvents {
  /** A member died of an invariant or of its disk, or could not start. */
  onDeath(nodeId: NodeId, error: unknown): void;
  /** It stopped because it was asked to. */
  onStopped?(nodeId: NodeId): void;
  onRunning?(nodeId: NodeId): void;
  /** One side of a connection says that the other broke a rule of the wire. */
  onBrokenRule?(text: string): void;
  /** At its start one copy of its vote was no good. */
  onTornVote?(nodeId: NodeId): void;
  /** It was told that its state is not that of a quorum. */
  onDiverged?(nodeId: NodeId): void;
  /** Absent: nobody listens, and no line is made. */
  readonly onLog?: (nodeId: NodeId, level: LogLevel | 'always', text: string) => void;
}

/** Members on virtual hosts: the real node code, started again after each crash. */
export class VirtualCluster {
  readonly ids: readonly NodeId[];
  readonly memberships: Memberships;
  /** As the checks saw it. */
  readonly committed: CommittedEntries = new CommittedEntries();
  readonly losses: Losses;
  /** What watchers must hear; nothing is noted where there are none. */
  readonly truth: WatchTruth;
  readonly #world: VirtualWorld;
  readonly #scenario: Scenario;
  readonly #events: ClusterEvents;
  readonly #counters: Counters;
  readonly #nodes = new Map<NodeId, Node>();
  /** Of the nodes, and of them alone. */
  readonly #views = new Map<NodeId, MemberView>();
  readonly #starts = new Map<NodeId, number>();
  #lastLeader: NodeId | undefined;
  /** Who was told to campaign last, in the term after this one. */
  #handedOver: { readonly to: NodeId; readonly term: Term } | undefined;

  constructor(
    world: VirtualWorld,
    scenario: Scenario,
    events: ClusterEvents,
    counters: Counters = new Counters(),
  ) {
    this.#counters = counters;
    this.#world = world;
    this.#scenario = scenario;
    this.#events = events;
    const keys = Array.from({ length: scenario.keys }, (_, number) => `k${number}`);
    this.truth = new WatchTruth(keys);
    this.ids = Array.from({ length: scenario.members }, (_, position) => position + 1);
    this.memberships = new Memberships(this.ids, () => world.nowMs);
    this.losses = new Losses(this.committed, () => world.nowMs);
  }

  host(id: NodeId): VirtualHost {
    return this.#world.host(this.hostName(id));
  }

  hostName(id: NodeId): string {
    return `n${id}`;
  }

  address(id: NodeId): string {
    return `n${id}:9000`;
  }

  /** The member's running process; undefined while it is down or starting. */
  node(id: NodeId): Node | undefined {
    return this.#nodes.get(id);
  }

  /** What the checks see of it. */
  view(id: NodeId): MemberView | undefined {
    return this.#views.get(id);
  }

  /** For checks after every step: no copy. */
  running(): IterableIterator<MemberView> {
    return this.#views.values();
  }

  get nodes(): Node[] {
    return [...this.#nodes.values()];
  }

  /** Those that one can call into: not paused, stalled or asleep. */
  get callable(): Node[] {
    return this.nodes.filter((node) => this.host(node.settings.nodeId).runs);
  }

  /** How often its process was started. */
  startsOf(id: NodeId): number {
    return this.#starts.get(id) ?? 0;
  }

  isAlive(id: NodeId): boolean {
    return this.host(id).alive;
  }

  /** For the process that runs on a host, of a member or of a client. */
  envOf(host: VirtualHost): Env {
    return envOf(host, this.#scenario, (text) => this.#events.onBrokenRule?.(text));
  }

  get leader(): Node | undefined {
    return this.nodes.find((node) => node.isLeader);
  }

  start(id: NodeId): void {
    const env = this.envOf(this.host(id));
    this.#starts.set(id, this.startsOf(id) + 1);
    const { onLog } = this.#events;
    const logger = countingLogger(this.#counters, {
      onBound: (member, instance) => this.memberships.onBound(member, instance, id),
      onJoined: () => this.memberships.onJoined(id),
      onLeads: (term) => this.#onLeads(id, term),
      onHandsOver: (to, term) => {
        this.#handedOver = { to, term };
      },
      onTornVote: () => this.#events.onTornVote?.(id),
      onNewHistory: (term, index) => this.losses.announce(id, term, index),
      onDiverged: () => this.#events.onDiverged?.(id),
      ...(onLog && { onLog: (level, text) => onLog(id, level, text) }),
    });
    const heard = new HeardAnswers(env.clock);
    const appliedStates = new AppliedStates();
    Node.start({
      env: { ...env, network: heard.listenTo(env.network) },
      settings: this.#settings(id),
      logger,
      metrics: countingMetrics(this.#counters),
      onEntryApplied: (state) => {
        appliedStates.add(state.appliedIndex, state.stateHash());
        if (this.#scenario.watch.watchers > 0) this.truth.observe(state);
      },
    }).then(
      (node) => {
        this.#nodes.set(id, node);
        this.memberships.onRunning(id, node.raft.instanceId);
        const { committed } = this;
        const seen = { heard, appliedStates, committed };
        this.#views.set(id, new NodeView(node, this.host(id), seen));
        const onClosed = (fatal: unknown): void => {
          if (this.#nodes.get(id) === node) this.#forget(id);
          if (fatal === undefined) this.#events.onStopped?.(id);
          else this.#events.onDeath(id, fatal);
        };
        node.closed.then(onClosed, onClosed);
        this.#events.onRunning?.(id);
      },
      (error: unknown) => this.#events.onDeath(id, error),
    );
  }

  #forget(id: NodeId): void {
    this.#nodes.delete(id);
    this.#views.delete(id);
  }

  crash(id: NodeId, powerLoss: boolean): void {
    this.#forget(id);
    this.host(id).crash({ powerLoss });
  }

  restart(id: NodeId): void {
    this.host(id).restart();
    this.start(id);
  }

  /** Another member than the last leader: that one, elected anew, changes nothing. */
  #onLeads(id: NodeId, term: Term): void {
    const handed = this.#handedOver;
    if (handed?.to === id && term === handed.term + 1) this.#counters.add('leadership handed over');
    if (this.#lastLeader !== undefined && this.#lastLeader !== id) {
      this.#counters.add('leader changes');
    }
    this.#lastLeader = id;
  }

  /** An empty disk takes the place of its disk; the member must be down. */
  wipe(id: NodeId): void {
    this.memberships.onWiped(id);
    this.host(id).disk.wipe();
  }

  #settings(id: NodeId): NodeSettings {
    const scenario = this.#scenario;
    const { persistence, seed } = scenario;
    return {
      nodeId: id,
      initialMembers: this.ids.map((member) => ({
        id: member,
        address: this.address(member),
        role: 'voter',
        promotable: false,
      })),
      listenAddress: this.address(id),
      advertiseAddress: undefined,
      dataDirectory,
      electionTimeoutMinMs: scenario.electionTimeoutMinMs,
      electionTimeoutMaxMs: scenario.electionTimeoutMinMs * 2,
      heartbeatIntervalMs: scenario.heartbeatIntervalMs,
      leaseDurationMs: scenario.leaseDurationMs,
      ...scenario.limits,
      ...scenario.upkeep,
      bufferedEntriesMax: persistence.bufferedEntriesMax,
      strategy: strategyOf(persistence, { seed, id, start: this.startsOf(id) }),
      flushPolicy: persistence.flushPolicy,
      serverDeadlineMs: 5_000,
      defaultConsistency: 'linearizable',
      allowConsistencyOverride: true,
      keyBytesMax: 1_024,
      requestBytesMax: 262_144,
      stateBytesMax: Number.MAX_SAFE_INTEGER,
      membership: {
        catchUpEntriesMax: 10,
        catchUpCheckIntervalMs: 1_000,
        staleLearnerMs: 60_000,
        staleCheckIntervalMs: 10_000,
        silentLooksMax: 3,
        silenceCheckIntervalMs: 10_000,
        join: {
          attemptsMax: 3,
          timeoutMs: 1_000,
          backoffMs: 100,
          backoffMaxMs: 1_000,
          compress: false,
        },
      },
      version: 'simulated',
      segmentBytes: scenario.segmentBytes,
      snapshots: scenario.snapshots,
      watch: scenario.watch.settings,
    };
  }
}
