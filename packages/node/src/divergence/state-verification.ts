import type { Clock, Counter, Gauge, Logger, LogIndex, Metrics, NodeId } from '@d-engine/base';
import { assert, entryKinds } from '@d-engine/base';
import type { Raft, Sender } from '@d-engine/raft';
import type { StateMachine, Storage } from '@d-engine/storage';
import type { DivergenceFrame, StateDigest, StateVerdict } from '@d-engine/wire';
import type { MemberCondition } from '../member-condition.ts';
import { StateDigests } from './state-digests.ts';

const nothing = new Uint8Array(0);

/**
 * Members hold their states against each other (design rule 16). The leader logs a verify entry now
 * and then; each member tells it the hash of its state as of there. The leader alone judges: a
 * follower that differs cannot know which of the two is the odd one.
 */
export class StateVerification {
  readonly #clock: Clock;
  readonly #raft: Raft;
  readonly #stateMachine: StateMachine;
  readonly #storage: Storage;
  readonly #condition: MemberCondition;
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #send: (to: NodeId, frame: DivergenceFrame) => void;
  readonly #onDiverged: () => void;
  readonly #requestTurn: () => void;
  readonly #onFailure: (error: unknown) => void;
  readonly #verified: Counter;
  readonly #isDiverged: Gauge;
  readonly #digests = new StateDigests();
  /** The newest verify entry that was applied here; 0: none of this run. */
  #lastIndex: LogIndex = 0;
  /** The newest entry as of which a quorum was found to agree. */
  #lastVerified: LogIndex = 0;
  #lastProposedMs: number;
  /** Members that differ: they are looked at again until they do not. */
  readonly #odd = new Set<NodeId>();

  constructor(options: {
    clock: Clock;
    raft: Raft;
    stateMachine: StateMachine;
    storage: Storage;
    condition: MemberCondition;
    logger: Logger;
    metrics: Metrics;
    /** Between two verify entries while something is written; 0: none are made. */
    intervalMs: number;
    send: (to: NodeId, frame: DivergenceFrame) => void;
    /** What waits for an answer of this member must not get one. */
    onDiverged: () => void;
    requestTurn: () => void;
    onFailure: (error: unknown) => void;
  }) {
    this.#clock = options.clock;
    this.#raft = options.raft;
    this.#stateMachine = options.stateMachine;
    this.#storage = options.storage;
    this.#condition = options.condition;
    this.#logger = options.logger;
    this.#intervalMs = options.intervalMs;
    this.#send = options.send;
    this.#onDiverged = options.onDiverged;
    this.#requestTurn = options.requestTurn;
    this.#onFailure = options.onFailure;
    this.#verified = options.metrics.counter(
      'd_engine_state_verifications_total',
      'Verify entries as of which a quorum was found to have one state, on the leader',
    );
    this.#isDiverged = options.metrics.gauge(
      'd_engine_state_diverged',
      '1 while the state of this member is another than that of a quorum',
    );
    this.#lastProposedMs = options.clock.monotonicMs();
    const { divergedAt } = options.storage.identity;
    this.#isDiverged.set(divergedAt === null ? 0 : 1);
    if (divergedAt !== null) this.#standAside(divergedAt);
  }

  /** Now and then, on every member. */
  onIdle(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#intervalMs === 0 || nowMs - this.#lastProposedMs < this.#intervalMs) return;
    if (this.#raft.role !== 'leader' || !this.#raft.proposalsAllowed) return;
    if (this.#raft.configuration.members.length === 1) return;
    const isNews = this.#stateMachine.appliedIndex > this.#lastIndex || this.#odd.size > 0;
    if (!isNews) return;
    this.#lastProposedMs = nowMs;
    const verify = { kind: entryKinds.verify, payload: nothing };
    const { accepted } = this.#raft.propose([verify], this.#clock.now());
    if (accepted) this.#requestTurn();
  }

  /** The state machine stands exactly at the verify entry `index`. */
  onVerifyApplied(index: LogIndex): void {
    assert(this.#stateMachine.appliedIndex === index, 'the state is that of the verify entry');
    this.#lastIndex = index;
    const digest = this.#stateMachine.stateHash();
    const { instanceId, configuration, leaderId } = this.#raft;
    const self = this.#storage.identity.nodeId;
    assert(instanceId === this.#storage.identity.instanceId, 'one member, one directory');
    this.#digests.add(index, self, digest);
    if (this.#raft.role === 'leader') this.#judge(index);
    else if (leaderId !== null && configuration.members.some(({ id }) => id === leaderId)) {
      this.#send(leaderId, { type: 'stateDigest', index, digest });
    }
  }

  onFrame(sender: Sender, frame: DivergenceFrame): void {
    if (frame.type === 'stateDigest') this.#onDigest(sender, frame);
    else this.#onVerdict(sender, frame);
  }

  #onDigest(sender: Sender, { index, digest }: StateDigest): void {
    const { role, configuration, bindings, commitIndex } = this.#raft;
    if (role !== 'leader' || index > commitIndex) return;
    if (!configuration.members.some(({ id }) => id === sender.nodeId)) return;
    const bound = bindings.find(({ nodeId }) => nodeId === sender.nodeId);
    // Who is bound to another directory is not that member (design rule 2).
    if (bound !== undefined && bound.instanceId !== sender.instanceId) return;
    if (this.#digests.add(index, sender.nodeId, digest)) this.#judge(index);
  }

  /** As the leader, each time that one more member has told of this entry. */
  #judge(index: LogIndex): void {
    const judgement = this.#digests.judge(index, this.#raft.configuration);
    if (judgement.type === 'pending') return;
    const { term } = this.#raft;
    const digest = judgement.type === 'agreed' ? judgement.digest : null;
    const self = this.#storage.identity.nodeId;
    if (this.#digests.of(index, self) === undefined) return;
    if (judgement.type === 'agreed' && index > this.#lastVerified) {
      this.#lastVerified = index;
      this.#verified.add();
    }
    for (const id of this.#digests.tellers(index)) {
      if (this.#digests.of(index, id) === digest) this.#odd.delete(id);
      else this.#odd.add(id);
      if (id !== self) this.#send(id, { type: 'stateVerdict', term, index, digest });
    }
    this.#take(index, digest);
  }

  #onVerdict(sender: Sender, { term, index, digest }: StateVerdict): void {
    // Only the leader of the moment judges; what an older one says may be about another state.
    if (term !== this.#raft.term || sender.nodeId !== this.#raft.leaderId) return;
    this.#take(index, digest);
  }

  #take(index: LogIndex, digest: string | null): void {
    const own = this.#digests.of(index, this.#storage.identity.nodeId);
    if (own === undefined) return;
    const { divergedAt } = this.#storage.identity;
    if (own !== digest) {
      if (divergedAt === null) this.#diverge(index, own, digest);
    } else if (divergedAt !== null && index > divergedAt) this.#agreeAgain(index);
  }

  #diverge(index: LogIndex, own: string, digest: string | null): void {
    this.#isDiverged.set(1);
    this.#logger.error('the state of this member is not that of a quorum: it stops serving', {
      node: this.#storage.identity.nodeId,
      index,
      own,
      quorum: digest ?? 'none agrees',
    });
    this.#record(index);
    this.#standAside(index);
    this.#onDiverged();
    this.#requestTurn();
  }

  #standAside(index: LogIndex): void {
    this.#condition.diverge(index);
    this.#raft.setMayLead(false, 'its state is not that of a quorum', this.#clock.now());
  }

  /** The state was made anew since, from a snapshot of the leader or from the log. */
  #agreeAgain(index: LogIndex): void {
    this.#isDiverged.set(0);
    this.#logger.warn('the state of this member is that of a quorum again', {
      node: this.#storage.identity.nodeId,
      index,
    });
    this.#record(null);
    this.#condition.agreeAgain();
    this.#raft.setMayLead(true, '', this.#clock.now());
  }

  #record(index: LogIndex | null): void {
    // Without room it stands in memory, and is tried again with whatever is recorded next.
    this.#storage.recordDivergence(index).catch((error: unknown) => this.#onFailure(error));
  }
}
