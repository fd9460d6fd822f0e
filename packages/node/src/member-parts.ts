import type { Env, Logger, Metrics } from '@d-engine/base';
import { limits } from '@d-engine/base';
import type { Effects } from '@d-engine/raft';
import { Raft } from '@d-engine/raft';
import type { EntryObserver, StateMachine, Storage } from '@d-engine/storage';
import { Applier } from './applier.ts';
import { Deadlines } from './deadlines.ts';
import { StateVerification } from './divergence/state-verification.ts';
import { Forwards } from './forwards.ts';
import { MemberLeadership } from './leadership.ts';
import { MemberAddresses } from './member-addresses.ts';
import { MemberCondition } from './member-condition.ts';
import type { MemberState } from './member-state.ts';
import { Membership } from './membership/membership.ts';
import { NodeMetrics } from './node-metrics.ts';
import { OperationChecks } from './operation-checks.ts';
import { Peering } from './peering.ts';
import { guardedObserver } from './peers/guarded-observer.ts';
import { Transport } from './peers/transport.ts';
import { Proposals } from './proposals.ts';
import { randomId } from './random-id.ts';
import { Reads } from './reads.ts';
import type { NodeSettings } from './settings.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { StateQuota } from './state-quota.ts';
import { TimeKeeper } from './time-keeper.ts';
import { TurnLoop } from './turn-loop.ts';
import { Watches } from './watch/watches.ts';
import { WriteRouter } from './write-router.ts';

/** What the parts of a member are made from, and whom they tell of what concerns all of it. */
export interface MemberContext {
  readonly env: Env;
  readonly settings: NodeSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly storage: Storage;
  readonly state: MemberState;
  readonly onEntryApplied: EntryObserver | undefined;
  onEffects(effects: Effects): void;
  onStall(blockedMs: number): void;
  onFailure(error: unknown): void;
}

/** A read or write waits this many election timeouts for a leader before it is refused. */
const leaderWaitTimeouts = 1.5;

/**
 * The parts of one member, each given those that it works with. They call one another only once all
 * of them exist.
 */
export class MemberParts {
  readonly metrics: NodeMetrics;
  readonly stateMachine: StateMachine;
  readonly raft: Raft;
  readonly deadlines: Deadlines;
  readonly condition: MemberCondition;
  readonly checks: OperationChecks;
  readonly addresses: MemberAddresses;
  readonly transport: Transport;
  readonly leadership: MemberLeadership;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly forwards: Forwards;
  readonly writes: WriteRouter;
  readonly watches: Watches;
  readonly applier: Applier;
  readonly verification: StateVerification;
  readonly snapshots: Snapshots;
  readonly timeKeeper: TimeKeeper;
  readonly turns: TurnLoop;
  readonly membership: Membership;

  constructor(context: MemberContext) {
    const { env, settings } = context;
    this.metrics = new NodeMetrics(context.metrics, env.clock);
    this.stateMachine = context.state.stateMachine;
    this.raft = createRaft(context);
    this.deadlines = new Deadlines(env.clock);
    this.condition = new MemberCondition(() => this.raft.leaderId !== null);
    this.checks = new OperationChecks(settings);
    this.addresses = new MemberAddresses(settings, () => this.raft.configuration);
    this.transport = createTransport(context, this);
    const { raft, addresses, transport, condition } = this;
    this.leadership = new MemberLeadership({ raft, settings, addresses, transport, condition });
    this.proposals = new Proposals({
      clock: env.clock,
      deadlines: this.deadlines,
      pendingMax: settings.pendingWritesMax,
      batchMax: settings.proposalBatchMax,
      quota: createQuota(context, this),
    });
    this.reads = createReads(context, this);
    this.forwards = new Forwards({
      clock: env.clock,
      deadlines: this.deadlines,
      sendFrame: (to, frame) => this.transport.sendForward(to, frame),
    });
    this.writes = createWriteRouter(context, this);
    this.watches = createWatches(context, this);
    this.applier = createApplier(context, this);
    this.verification = createVerification(context, this);
    this.snapshots = createSnapshots(context, this);
    this.timeKeeper = createTimeKeeper(context, this);
    this.turns = createTurnLoop(context, this);
    this.membership = createMembership(context, this);
  }
}

function createRaft({ env, settings, storage, state }: MemberContext): Raft {
  return new Raft(
    {
      nodeId: settings.nodeId,
      instanceId: storage.identity.instanceId,
      bootCount: storage.identity.bootCount,
      strategy: settings.strategy,
      initialMembers: settings.initialMembers,
      electionTimeoutMinMs: settings.electionTimeoutMinMs,
      electionTimeoutMaxMs: settings.electionTimeoutMaxMs,
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
      leaseDurationMs: settings.leaseDurationMs,
      commitNoticeDelayMs: limits.commitNoticeDelayMs,
      appendEntriesMax: settings.appendEntriesMax,
      bufferedEntriesMax: settings.bufferedEntriesMax,
      random: () => env.random.float(),
      newId: () => randomId(env.random),
    },
    state.recovered,
    env.clock.now(),
  );
}

function createMembership(context: MemberContext, parts: MemberParts): Membership {
  const { env, settings, logger, metrics, storage } = context;
  const { raft, addresses, condition, leadership, transport, turns } = parts;
  return new Membership({
    env,
    settings,
    logger,
    metrics,
    storage,
    raft,
    addresses,
    condition,
    leadership,
    transport,
    requestTurn: () => turns.request(),
  });
}

function createTransport(context: MemberContext, parts: MemberParts): Transport {
  const { env, settings, logger, metrics, storage } = context;
  const onFailure = (error: unknown): void => context.onFailure(error);
  const peering = new Peering({
    env,
    raft: parts.raft,
    storage,
    settings,
    condition: parts.condition,
    checks: parts.checks,
    addresses: parts.addresses,
    logger,
    parts: () => parts,
    onFailure,
  });
  return new Transport({ env, logger, metrics, observer: guardedObserver(peering, onFailure) });
}

function createQuota({ settings, metrics }: MemberContext, parts: MemberParts): StateQuota {
  const refusals = metrics.counter(
    'd_engine_state_full_refusals_total',
    'Writes refused because the state is at its limit',
  );
  return new StateQuota({
    state: parts.stateMachine,
    bytesMax: settings.stateBytesMax,
    onRefused: () => refusals.add(),
  });
}

function createReads({ env, settings, storage }: MemberContext, parts: MemberParts): Reads {
  return new Reads({
    clock: env.clock,
    deadlines: parts.deadlines,
    state: parts.stateMachine,
    pendingMax: settings.pendingReadsMax,
    leaderWaitMs: settings.electionTimeoutMaxMs * leaderWaitTimeouts,
    bootCount: storage.identity.bootCount,
    metrics: parts.metrics,
    requestTurn: () => parts.turns.request(),
  });
}

function createWriteRouter({ env, settings }: MemberContext, parts: MemberParts): WriteRouter {
  const { deadlines, proposals, forwards, leadership, metrics } = parts;
  return new WriteRouter({
    clock: env.clock,
    deadlines,
    proposals,
    forwards,
    leadership,
    leaderWaitMs: settings.electionTimeoutMaxMs * leaderWaitTimeouts,
    pendingMax: settings.pendingWritesMax,
    requestTurn: () => parts.turns.request(),
    metrics,
  });
}

function createWatches({ env, settings, metrics }: MemberContext, parts: MemberParts): Watches {
  return new Watches({
    clock: env.clock,
    settings: settings.watch,
    metrics,
    state: parts.stateMachine,
    raft: parts.raft,
    checks: parts.checks,
    closed: () => parts.condition.closed,
  });
}

function createApplier(context: MemberContext, parts: MemberParts): Applier {
  const { raft, stateMachine, proposals, watches } = parts;
  return new Applier({
    raft,
    storage: context.storage,
    stateMachine,
    proposals,
    watches,
    onVerifyApplied: (index) => parts.verification.onVerifyApplied(index),
    onApplied: () => {
      parts.reads.onApplied();
      parts.writes.onRoom();
      parts.snapshots.onApplied();
      parts.turns.request();
    },
    onLoaded: () => context.onEntryApplied?.(stateMachine),
    onFailure: (error) => context.onFailure(error),
  });
}

function createVerification(context: MemberContext, parts: MemberParts): StateVerification {
  const { env, storage, settings, logger, metrics } = context;
  const { raft, stateMachine, condition, transport } = parts;
  return new StateVerification({
    clock: env.clock,
    raft,
    stateMachine,
    storage,
    condition,
    logger,
    metrics,
    intervalMs: settings.stateVerificationIntervalMs,
    send: (to, frame) => transport.sendDivergence(to, frame),
    onDiverged: () => parts.reads.failAll('the state of this member is not that of a quorum'),
    requestTurn: () => parts.turns.request(),
    onFailure: (error) => context.onFailure(error),
  });
}

function createSnapshots(context: MemberContext, parts: MemberParts): Snapshots {
  const { env, storage, settings, logger, metrics } = context;
  const { raft, stateMachine, applier, condition, transport } = parts;
  return new Snapshots({
    env,
    raft,
    storage,
    stateMachine,
    applier,
    transport,
    settings: settings.snapshots,
    mayTake: () => !condition.hasDiverged,
    logger,
    metrics,
    requestTurn: () => parts.turns.request(),
    onFailure: (error) => context.onFailure(error),
  });
}

function createTimeKeeper({ env, metrics }: MemberContext, parts: MemberParts): TimeKeeper {
  return new TimeKeeper({
    clock: env.clock,
    raft: parts.raft,
    state: parts.stateMachine,
    requestTurn: () => parts.turns.request(),
    proposed: metrics.counter(
      'd_engine_time_entries_total',
      'Time entries proposed by this member while something expires',
    ),
  });
}

function createTurnLoop(context: MemberContext, parts: MemberParts): TurnLoop {
  const { env, settings, storage } = context;
  const { raft, applier, proposals, reads, timeKeeper, metrics } = parts;
  const onFailure = (error: unknown): void => context.onFailure(error);
  return new TurnLoop({
    env,
    raft,
    storage,
    applier,
    proposals,
    reads,
    timeKeeper,
    electionTimeoutMinMs: settings.electionTimeoutMinMs,
    flushPolicy: settings.flushPolicy,
    metrics,
    observer: {
      send: (messages) => parts.transport.send(messages),
      onEffects: (effects) => {
        parts.snapshots.onEffects(effects);
        context.onEffects(effects);
      },
      onDurable: () => {
        parts.snapshots.onDurable();
        parts.writes.onRoom();
      },
      onStall: (blockedMs) => context.onStall(blockedMs),
      refusal: (reason) => parts.leadership.refusal(reason),
      onFailure,
    },
  });
}
