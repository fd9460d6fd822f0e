import { crc32 } from 'node:zlib';
import type { InstanceId, LogIndex, NodeId, Term } from '@d-engine/base';
import type { Node } from '@d-engine/node';
import type { Configuration, HardState, RaftView, Role } from '@d-engine/raft';
import { isMembershipKind } from '@d-engine/raft';
import type { VirtualHost } from '@d-engine/virtual-env';
import { voteFileName } from '../disk-layout.ts';
import type { HeardAnswers } from '../heard-answers.ts';
import type { AppliedState, AppliedStates } from './applied-states.ts';
import type { CommittedEntries } from './committed-entries.ts';
import type { DurableEntries } from './durable-log.ts';
import { DurableLog } from './durable-log.ts';
import type { DurableSnapshot } from './durable-snapshots.ts';
import { durableSnapshotsIn } from './durable-snapshots.ts';
import type { DurableVote } from './durable-vote.ts';
import { durableVotesOn } from './durable-vote.ts';

/** One running process of a member, as the checks see it. */
export interface MemberView {
  readonly nodeId: NodeId;
  /** Another one for each data directory: on another one it is another member (design rule 2). */
  readonly instanceId: InstanceId;
  /** Another one for each start. */
  readonly life: object;
  readonly role: Role;
  readonly term: Term;
  readonly leaderId: NodeId | null;
  /** What is before it is in a snapshot only; 1 for nothing. */
  readonly firstLogIndex: LogIndex;
  readonly lastLogIndex: LogIndex;
  readonly durableIndex: LogIndex;
  /** Up to here its own log counts: what is durable or, with MemFirst, what is in memory. */
  readonly heldIndex: LogIndex;
  /** It may have forgotten what it acknowledged, and counts in nothing (design rule 3). */
  readonly isRecovering: boolean;
  /** MemFirst. */
  readonly acknowledgesFromMemory: boolean;
  readonly commitIndex: LogIndex;
  readonly verifiedIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly votedFor: HardState['votedFor'];
  /** Term and vote are on disk: what rests on them may have left. */
  readonly isHardStateDurable: boolean;
  readonly configuration: Configuration;
  /** By the largest one that it draws, and on its own clock. */
  readonly electionTimeoutMaxMs: number;
  /** Its own clock, now. */
  readonly monotonicMs: number;
  /** True time in which its machine's processes stood still for no fault. */
  readonly awakeMs: number;
  /** It was told to stop and does nothing any more that time asks for. */
  readonly isStopping: boolean;
  /** Neither paused nor stalled: it could answer a read right now. */
  readonly isAwake: boolean;
  /** It is bound to a leader that it heard, and helps to elect nobody else. */
  readonly owesItsVote: boolean;
  /** Which directory of this voter counts, by what this member knows; undefined: none yet. */
  boundInstance(voter: NodeId): InstanceId | undefined;
  /** Whether this member knows this data directory by an entry of its log, committed or not. */
  isBound(member: Pick<MemberView, 'nodeId' | 'instanceId'>): boolean;
  /** Whether the entry says who belongs to the cluster; false when it is not in memory. */
  isOfMembers(index: LogIndex): boolean;
  /** Of what is in its snapshot only: the term with which it was committed. */
  termAt(index: LogIndex): Term | undefined;
  /** Of the entry's bytes; undefined when they are not in memory any more. */
  checksumAt(index: LogIndex): number | undefined;
  /** As a power loss right now would leave it. */
  durableLog(): DurableEntries;
  /** The same of its snapshots. */
  durableSnapshots(): readonly DurableSnapshot[];
  /** The same of its vote: each copy of it. */
  durableVotes(): readonly DurableVote[];
  leaseValid(): boolean;
  /** Each of them once: those since the last call. */
  takeAppliedStates(): readonly AppliedState[];
  /**
   * When its process was last given an answer of this voter, as the instance that counts, to it as
   * the leader of its present term; on its own clock.
   */
  heardAtMs(voter: NodeId): number | undefined;
}

/** A view that stays true as the process goes on. */
export class NodeView implements MemberView {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  readonly life: object;
  readonly #node: Node;
  readonly #raft: RaftView;
  readonly #host: VirtualHost;
  readonly #heard: HeardAnswers;
  readonly #durableLog: DurableLog;
  readonly #appliedStates: AppliedStates;
  readonly #committed: CommittedEntries;

  constructor(
    node: Node,
    host: VirtualHost,
    seen: { heard: HeardAnswers; appliedStates: AppliedStates; committed: CommittedEntries },
  ) {
    this.nodeId = node.settings.nodeId;
    this.instanceId = node.raft.instanceId;
    this.life = node;
    this.#node = node;
    this.#raft = node.raft;
    this.#host = host;
    this.#heard = seen.heard;
    this.#appliedStates = seen.appliedStates;
    this.#committed = seen.committed;
    this.#durableLog = new DurableLog(host.disk, `${node.settings.dataDirectory}/log`);
  }

  get role(): Role {
    return this.#raft.role;
  }

  get term(): Term {
    return this.#raft.term;
  }

  get leaderId(): NodeId | null {
    return this.#raft.leaderId;
  }

  get firstLogIndex(): LogIndex {
    return this.#raft.firstLogIndex;
  }

  get lastLogIndex(): LogIndex {
    return this.#raft.lastLogIndex;
  }

  get durableIndex(): LogIndex {
    return this.#raft.durableIndex;
  }

  get heldIndex(): LogIndex {
    return this.#raft.heldIndex;
  }

  get isRecovering(): boolean {
    return this.#raft.recovering;
  }

  get acknowledgesFromMemory(): boolean {
    return this.#node.settings.strategy === 'MemFirst';
  }

  get commitIndex(): LogIndex {
    return this.#raft.commitIndex;
  }

  get verifiedIndex(): LogIndex {
    return this.#raft.verifiedIndex;
  }

  get appliedIndex(): LogIndex {
    return this.#node.appliedIndex;
  }

  get votedFor(): HardState['votedFor'] {
    return this.#raft.hardState.votedFor;
  }

  get isHardStateDurable(): boolean {
    return this.#raft.isHardStateDurable;
  }

  get configuration(): Configuration {
    return this.#raft.configuration;
  }

  get electionTimeoutMaxMs(): number {
    return this.#node.settings.electionTimeoutMaxMs;
  }

  get monotonicMs(): number {
    return this.#host.env.clock.monotonicMs();
  }

  get awakeMs(): number {
    return this.#host.awakeMs;
  }

  get isStopping(): boolean {
    return !this.#node.isServing;
  }

  get isAwake(): boolean {
    return this.#host.runs;
  }

  get owesItsVote(): boolean {
    return this.#host.env.clock.now().monotonicMs < this.#raft.stickyUntilMs;
  }

  termAt(index: LogIndex): Term | undefined {
    const term = this.#raft.termAt(index);
    if (term !== undefined || index >= this.firstLogIndex) return term;
    const preceding = this.firstLogIndex - 1;
    return this.#committed.termWithin(index, preceding, this.#raft.termAt(preceding));
  }

  isBound({ nodeId, instanceId }: Pick<MemberView, 'nodeId' | 'instanceId'>): boolean {
    return this.#raft.bindings.some(
      (bound) => bound.nodeId === nodeId && bound.instanceId === instanceId,
    );
  }

  isOfMembers(index: LogIndex): boolean {
    const kind = this.#raft.entries(index, index)?.[0]?.kind;
    return kind !== undefined && isMembershipKind(kind);
  }

  checksumAt(index: LogIndex): number | undefined {
    const entry = this.#raft.entries(index, index)?.[0];
    return entry && crc32(entry.encoded);
  }

  durableLog(): DurableEntries {
    this.#durableLog.catchUp();
    return this.#durableLog;
  }

  durableSnapshots(): readonly DurableSnapshot[] {
    return durableSnapshotsIn(this.#host.disk, this.#node.settings.snapshots.directory);
  }

  durableVotes(): readonly DurableVote[] {
    const { dataDirectory } = this.#node.settings;
    return durableVotesOn(this.#host.disk, `${dataDirectory}/${voteFileName}`);
  }

  leaseValid(): boolean {
    return this.#raft.leaseValid(this.#host.env.clock.now());
  }

  takeAppliedStates(): readonly AppliedState[] {
    return this.#appliedStates.take();
  }

  heardAtMs(voter: NodeId): number | undefined {
    const answer = this.#heard.of(voter);
    if (answer === undefined || answer.term !== this.#raft.term) return undefined;
    return answer.instanceId === this.boundInstance(voter) ? answer.atMs : undefined;
  }

  /** A bootstrap binds as it is appended, a later entry once it is committed (design rule 2). */
  boundInstance(voter: NodeId): InstanceId | undefined {
    const { bindings, commitIndex } = this.#raft;
    const bound = bindings.find(({ nodeId }) => nodeId === voter);
    if (bound === undefined) return undefined;
    const isOfBootstrap = bound.index === bindings[0]?.index;
    return isOfBootstrap || bound.index <= commitIndex ? bound.instanceId : undefined;
  }
}
