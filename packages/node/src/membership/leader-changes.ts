import type { Clock, MemberChangeResult, NodeId, Timer } from '@d-engine/base';
import { DEngineError, limits } from '@d-engine/base';
import type { Member, MembershipChange, Raft } from '@d-engine/raft';
import { isJoint } from '@d-engine/raft';
import type { MemberRequest } from './member-action.ts';
import { isPassing, refusalError } from './member-action.ts';
import type { Successors } from './successors.ts';

type Settle = (reply: MemberChangeResult | DEngineError) => void;

interface Pending {
  readonly request: MemberRequest;
  readonly deadlineAtMs: number;
  readonly settle: Settle;
  /** An entry for it is in the log: whoever leads next may commit it. */
  proposed: boolean;
  /** Leadership was offered to another on its behalf. */
  handedOver: boolean;
  /** Why it still waits. */
  waitsFor: DEngineError | undefined;
}

/** How often what waits is looked at while nothing else happens. */
const lookIntervalMs = 50;

const nothing: MembershipChange = { add: [], promote: [], remove: [] };

/**
 * The leader's part of a change of members: brings the cluster to what each request wants, one step
 * at a time, and answers once that is committed.
 */
export class LeaderChanges {
  readonly #clock: Clock;
  readonly #raft: Raft;
  readonly #successors: Successors;
  readonly #requestTurn: () => void;
  readonly #notLeader: () => DEngineError;
  #pending: Pending[] = [];
  #timer: Timer | undefined;
  #isLooking = false;

  constructor(options: {
    readonly clock: Clock;
    readonly raft: Raft;
    readonly successors: Successors;
    readonly requestTurn: () => void;
    readonly notLeader: () => DEngineError;
  }) {
    this.#clock = options.clock;
    this.#raft = options.raft;
    this.#successors = options.successors;
    this.#requestTurn = options.requestTurn;
    this.#notLeader = options.notLeader;
  }

  submit(request: MemberRequest, waitMs: number): Promise<MemberChangeResult> {
    return new Promise((resolve, reject) => {
      if (this.#pending.length >= limits.memberChangesMax) {
        reject(new DEngineError('RateLimited', 'too many changes of members wait already'));
        return;
      }
      const settle: Settle = (reply) =>
        reply instanceof DEngineError ? reject(reply) : resolve(reply);
      const deadlineAtMs = this.#clock.monotonicMs() + waitMs;
      const rest = { proposed: false, handedOver: false, waitsFor: undefined };
      this.#pending.push({ request, deadlineAtMs, settle, ...rest });
      this.look();
    });
  }

  /** Something may have changed. */
  look(): void {
    if (this.#pending.length === 0 || this.#isLooking) return;
    this.#isLooking = true;
    const now = this.#clock.monotonicMs();
    const before = this.#raft.configurationIndex;
    this.#pending = this.#pending.filter((pending) => {
      const reply = this.#step(pending) ?? this.#expired(pending, now);
      if (reply !== undefined) pending.settle(reply);
      return reply === undefined;
    });
    this.#isLooking = false;
    if (this.#raft.configurationIndex !== before) this.#requestTurn();
    this.#arm();
  }

  failAll(message: string): void {
    this.#timer?.cancel();
    const pending = this.#pending;
    this.#pending = [];
    for (const { settle } of pending) settle(new DEngineError('Stopped', message));
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    this.#timer = this.#clock.setTimer(lookIntervalMs, () => this.look());
  }

  #expired({ proposed, deadlineAtMs, waitsFor }: Pending, now: number): DEngineError | undefined {
    if (now < deadlineAtMs) return undefined;
    if (waitsFor !== undefined) return waitsFor;
    const message = 'the change is not committed in time: look at the members before asking again';
    return proposed
      ? new DEngineError('ProposeFailed', message)
      : refusalError('changeInFlight', 0, undefined);
  }

  #step(pending: Pending): MemberChangeResult | DEngineError | undefined {
    const raft = this.#raft;
    const { nodeId, action } = pending.request;
    if (raft.role !== 'leader') {
      // Its new leader may not be known yet; then it is not done either.
      if (action === 'transfer' && raft.leaderId === nodeId) return this.#done(pending, true);
      if (action === 'transfer' && raft.leaderId === null) return undefined;
      return this.#notLeader();
    }
    const isOpen = raft.configurationIndex > raft.commitIndex || isJoint(raft.configuration);
    if (isOpen || raft.transferring) return undefined;
    pending.waitsFor = undefined;
    const member = raft.configuration.members.find(({ id }) => id === nodeId);
    switch (action) {
      case 'promote':
        return this.#promote(pending, member);
      case 'remove':
        return this.#remove(pending, member);
      case 'transfer':
        return this.#transfer(pending, member);
      case 'replace':
        return this.#replace(pending, member);
      case 'join':
        return this.#join(pending, member);
    }
  }

  #promote(
    pending: Pending,
    member: Member | undefined,
  ): MemberChangeResult | DEngineError | undefined {
    if (member?.role === 'voter') return this.#done(pending, pending.proposed);
    return this.#propose(pending, { ...nothing, promote: [pending.request.nodeId] });
  }

  #remove(
    pending: Pending,
    member: Member | undefined,
  ): MemberChangeResult | DEngineError | undefined {
    const { nodeId } = pending.request;
    if (member === undefined && pending.proposed) return this.#done(pending, true);
    // Another member leads on without a pause; the request goes there.
    if (this.#raft.leaderId === nodeId && !pending.handedOver) {
      pending.handedOver = true;
      if (this.#raft.transferLeadership(undefined, this.#clock.now())) {
        this.#requestTurn();
        return undefined;
      }
    }
    return this.#propose(pending, { ...nothing, remove: [nodeId] });
  }

  #transfer(
    pending: Pending,
    member: Member | undefined,
  ): MemberChangeResult | DEngineError | undefined {
    const { nodeId } = pending.request;
    if (this.#raft.leaderId === nodeId) return this.#done(pending, false);
    if (member === undefined) return refusalError('unknownMember', nodeId, undefined);
    if (pending.handedOver || !this.#raft.transferLeadership(nodeId, this.#clock.now())) {
      const message = `node ${nodeId} cannot lead now: it must be a voter, be there and keep up`;
      return new DEngineError('LearnerBehind', message);
    }
    pending.handedOver = true;
    this.#requestTurn();
    return undefined;
  }

  #replace(
    pending: Pending,
    member: Member | undefined,
  ): MemberChangeResult | DEngineError | undefined {
    const { nodeId } = pending.request;
    if (member === undefined) return refusalError('unknownMember', nodeId, undefined);
    if (pending.proposed) {
      if (member.role === 'voter') return this.#done(pending, true);
      return this.#propose(pending, { ...nothing, promote: [nodeId] });
    }
    const instanceId = this.#successors.of(nodeId);
    const bound = this.#raft.bindings.findLast((binding) => binding.nodeId === nodeId);
    if (instanceId === undefined || instanceId === bound?.instanceId) {
      pending.waitsFor = new DEngineError(
        'LearnerBehind',
        `node ${nodeId} has not come with a new data directory yet: wipe it and start it first`,
      );
      return undefined;
    }
    const learner = { id: nodeId, address: member.address, promotable: true, instanceId };
    return this.#propose(pending, { ...nothing, remove: [nodeId], add: [learner] });
  }

  #join(
    pending: Pending,
    member: Member | undefined,
  ): MemberChangeResult | DEngineError | undefined {
    if (pending.request.action !== 'join') return undefined;
    const { learner, nodeId } = pending.request;
    if (member === undefined) return this.#propose(pending, { ...nothing, add: [learner] });
    const bound = this.#raft.bindings.findLast((binding) => binding.nodeId === nodeId);
    const isItself = bound === undefined || bound.instanceId === learner.instanceId;
    if (isItself && member.role === 'learner') return this.#done(pending, pending.proposed);
    return refusalError('knownMember', nodeId, undefined);
  }

  #propose(pending: Pending, change: MembershipChange): DEngineError | undefined {
    const { nodeId } = pending.request;
    const result = this.#raft.changeMembership(change, this.#clock.now());
    if (result.accepted) {
      pending.proposed = true;
      return undefined;
    }
    if (result.reason === 'notLeader') return this.#notLeader();
    const error = refusalError(result.reason, nodeId, this.#lagOf(nodeId));
    if (!isPassing(result.reason)) return error;
    pending.waitsFor = error;
    return undefined;
  }

  #lagOf(nodeId: NodeId): number | undefined {
    const peer = this.#raft.progress().find((each) => each.nodeId === nodeId);
    if (peer === undefined || peer.matchIndex === 0) return undefined;
    return this.#raft.lastLogIndex - peer.matchIndex;
  }

  #done({ request }: Pending, changed: boolean): MemberChangeResult {
    const { voters, learners } = this.#raft.configuration;
    return { nodeId: request.nodeId, changed, voters, learners, leaderId: this.#raft.leaderId };
  }
}
